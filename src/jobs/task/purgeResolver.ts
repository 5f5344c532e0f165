import { Arg, Ctx, Field, ID, InputType, Mutation, Resolver } from 'type-graphql';
import { projectUuid } from '../../catalog/project/projectService.js';
import { formerExperimentUuid } from '../../experiments/experimentService.js';
import type { Context } from '../../graphql/context.js';
import { payload } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import { StartJobInput } from '../options.js';
import { JobPayload } from './jobPayload.js';
import { startPurge } from './startPurge.js';

const MOST_NAMED = 1000;

@InputType()
class StartPurgeInput extends StartJobInput {
  @Field(() => ID, { description: 'Id or name.' })
  projectId: string;
  @Field(() => [ID], {
    nullable: true,
    description: `Up to ${MOST_NAMED} deleted experiments, now, whatever the days; missing: those whose days are over.`,
  })
  experimentIds?: string[] | null;
  @Field(() => Boolean, { defaultValue: false, description: 'Says what would go, and touches nothing.' })
  dryRun: boolean;
}

@Resolver()
export class PurgeResolver {
  @Mutation(() => JobPayload, {
    description:
      'Removes deleted experiments for good, and what else the project need not keep. The same key and request again: the same job.',
  })
  startPurge(@Arg('input', () => StartPurgeInput) given: StartPurgeInput, @Ctx() services: Context) {
    return payload(JobPayload, async () => {
      const { projectId, experimentIds, dryRun, idempotencyKey, job: options } = given;
      const { db } = services;
      if (experimentIds && experimentIds.length > MOST_NAMED)
        throw new ShingoError('BAD_USER_INPUT', `At most ${MOST_NAMED} at a time.`, 400, ['experimentIds']);
      const project = await projectUuid(db, projectId);
      // A retry may come when they are gone.
      const former = (id: string) => formerExperimentUuid(db, id, ['experimentIds']);
      const experimentUuids = experimentIds ? await Promise.all(experimentIds.map(former)) : null;
      const task = { projectUuid: project, experimentUuids, dryRun, idempotencyKey, job: options };
      const job = await startPurge(services, task);
      return { job };
    });
  }
}
