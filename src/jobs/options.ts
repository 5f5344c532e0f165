/** What whoever starts a job may say about how it is run; the same for every kind. */
import { Field, InputType, Int, ObjectType } from 'type-graphql';
import { LABEL } from '../platform/config.js';
import { ShingoError } from '../platform/error.js';
import { Engine, JobKind } from './vocabulary.js';

@ObjectType({ description: 'What a host needs to be given the job.' })
export class JobRequirements {
  @Field(() => Engine)
  engine: Engine;
  @Field(() => [String])
  labels: string[];
}

@InputType()
export class JobRequirementsInput {
  @Field(() => Engine, { nullable: true, description: 'It waits for a host with this engine.' })
  engine?: Engine | null;
  @Field(() => [String], {
    nullable: true,
    description: 'It waits for a host that has them all; see SHINGO_HOST_LABELS.',
  })
  labels?: string[] | null;
}

@InputType({ description: 'How a job is run.' })
export class JobOptionsInput {
  @Field(() => Int, {
    nullable: true,
    description: '-1000 to 1000; the higher goes first. Missing: 1 for an evaluation, else 0.',
  })
  priority?: number | null;
  @Field(() => JobRequirementsInput, { nullable: true })
  requires?: JobRequirementsInput | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Once it has run longer, all attempts together, it fails with TIMED_OUT and keeps its checkpoint.',
  })
  timeoutSeconds?: number | null;
  @Field(() => Int, {
    nullable: true,
    description: '1 to 100; so many attempts may end in a crash before it fails. Missing: 3.',
  })
  maxAttempts?: number | null;
}

/** What every mutation takes that starts a job. */
@InputType()
export abstract class StartJobInput {
  @Field(() => String, {
    description: 'Made by the client, kept for its retries; unique within the project.',
  })
  idempotencyKey: string;
  @Field(() => JobOptionsInput, { nullable: true })
  job?: JobOptionsInput | null;
}

/** As the row has it. */
export interface JobColumns {
  engine: Engine;
  labels: string[];
  priority: number;
  timeoutSeconds: number | null;
  maxAttempts: number;
}

const MOST_LABELS = 20;
const YEAR = 366 * 86_400;

const refuse = (message: string, ...field: string[]): never => {
  throw new ShingoError('BAD_USER_INPUT', message, 400, ['job', ...field]);
};

/** @param engine what the request asks for besides the options @throws ShingoError BAD_USER_INPUT */
export function jobColumns(
  kind: JobKind,
  engine: Engine,
  options: JobOptionsInput | null | undefined,
): JobColumns {
  // An evaluation takes minutes; it need not wait behind a row of trainings.
  const priority = options?.priority ?? (kind === JobKind.EVALUATION ? 1 : 0);
  const timeoutSeconds = options?.timeoutSeconds ?? null;
  const maxAttempts = options?.maxAttempts ?? 3;
  const required = options?.requires?.engine ?? Engine.AUTO;
  const labels = [...new Set(options?.requires?.labels)].sort();
  if (Math.abs(priority) > 1000) refuse('A priority is -1000 to 1000.', 'priority');
  if (timeoutSeconds !== null && (timeoutSeconds < 1 || timeoutSeconds > YEAR))
    refuse('timeoutSeconds is 1 second to a year.', 'timeoutSeconds');
  if (maxAttempts < 1 || maxAttempts > 100) refuse('maxAttempts is 1 to 100.', 'maxAttempts');
  if (engine !== Engine.AUTO && required !== Engine.AUTO && engine !== required)
    refuse(`The job is to run on ${engine}, and requires ${required}.`, 'requires', 'engine');
  if (labels.length > MOST_LABELS || !labels.every((label) => LABEL.test(label)))
    refuse(
      `At most ${MOST_LABELS} labels of 1 to 63 letters, digits and . _ : / - each.`,
      'requires',
      'labels',
    );
  return { engine: required === Engine.AUTO ? engine : required, labels, priority, timeoutSeconds, maxAttempts };
}

/** What makes two requests different, options included; without them as it was before there were any. */
export const withOptions = (content: object, options: JobOptionsInput | null | undefined): object =>
  options ? { ...content, job: options } : content;
