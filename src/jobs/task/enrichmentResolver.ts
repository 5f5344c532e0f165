import { Arg, Ctx, Field, Float, ID, InputType, Mutation, Resolver } from 'type-graphql';
import { checkFilter } from '../../catalog/condition/conditionService.js';
import { DEFAULT_MIN_SCORE, EnrichmentKind, checkEnrichment } from '../../catalog/enrichment/index.js';
import { imageList } from '../../catalog/image/image.js';
import { projectUuid } from '../../catalog/project/projectService.js';
import type { Context } from '../../graphql/context.js';
import type { Where } from '../../graphql/list/where.js';
import { payload } from '../../graphql/userError.js';
import { StartJobInput } from '../options.js';
import { startTask } from '../start/startTask.js';
import { JobKind } from '../vocabulary.js';
import { JobPayload } from './jobPayload.js';

@InputType()
class StartEnrichmentInput extends StartJobInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => EnrichmentKind)
  kind: EnrichmentKind;
  @Field(() => imageList.Where, { nullable: true, description: 'Which images; missing: all of the project.' })
  where?: Where | null;
  @Field(() => Float, {
    defaultValue: DEFAULT_MIN_SCORE,
    description: 'OBJECTS: what the detector is less sure of is not written; 0 to 1.',
  })
  minScore: number;
  @Field(() => Boolean, {
    defaultValue: true,
    description: 'OBJECTS: looks at four overlapping quarters too: five times as long, for smaller things.',
  })
  tiles: boolean;
  @Field(() => Boolean, {
    defaultValue: false,
    description: 'OBJECTS: looks again where a model has looked already, and replaces what it found.',
  })
  again: boolean;
}

@Resolver()
export class EnrichmentResolver {
  @Mutation(() => JobPayload, {
    description:
      'Works out what images that are here do not say yet. Doing it again changes nothing; the same key and request again: the same job.',
  })
  startEnrichment(
    @Arg('input', () => StartEnrichmentInput) given: StartEnrichmentInput,
    @Ctx() services: Context,
  ) {
    return payload(JobPayload, async () => {
      const { projectId, idempotencyKey, job: runOptions, where = null, ...options } = given;
      const project = await projectUuid(services.db, projectId);
      const asked = { ...options, where };
      const kind = JobKind.ENRICHMENT as const;
      const task = { projectUuid: project, kind, asked, idempotencyKey, job: runOptions };
      const job = await startTask(services, task, async () => {
        checkEnrichment(options);
        await checkFilter(services.db, project, where);
        return asked;
      });
      return { job };
    });
  }
}
