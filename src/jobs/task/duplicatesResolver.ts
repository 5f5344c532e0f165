import { Arg, Ctx, Field, FieldResolver, ID, InputType, Int, Mutation, Resolver, Root } from 'type-graphql';
import { checkFilter } from '../../catalog/condition/conditionService.js';
import { Image, imageList } from '../../catalog/image/image.js';
import { projectUuid } from '../../catalog/project/projectService.js';
import { checkDuplicatesQuestion } from '../../datasets/duplicates/findDuplicates.js';
import type { Context } from '../../graphql/context.js';
import type { Where } from '../../graphql/list/where.js';
import { uuidOf } from '../../graphql/node.js';
import { payload } from '../../graphql/userError.js';
import { StartJobInput } from '../options.js';
import { startTask } from '../start/startTask.js';
import { JobKind } from '../vocabulary.js';
import { DuplicateMember } from './duplicatesReport.js';
import { JobPayload } from './jobPayload.js';

@InputType()
class StartDuplicateSearchInput extends StartJobInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => imageList.Where, { nullable: true, description: 'Which images; missing: all of the project.' })
  where?: Where | null;
  @Field(() => Int, { defaultValue: 4, description: 'Bits of 64 in which two may differ, 0 to 7.' })
  distance: number;
  @Field(() => Int, { defaultValue: 100_000, description: 'Pairs in the file, 1 to 1,000,000.' })
  maxPairs: number;
}

@Resolver(() => DuplicateMember)
export class DuplicatesResolver {
  @FieldResolver(() => Image, { nullable: true, description: 'Null: deleted since.' })
  image(@Root() { imageId }: DuplicateMember, @Ctx() { load }: Context) {
    return load.one(Image, uuidOf('Image', imageId));
  }

  @Mutation(() => JobPayload, {
    description: 'Finds all images that look alike. The same key and request again: the same job.',
  })
  startDuplicateSearch(
    @Arg('input', () => StartDuplicateSearchInput) given: StartDuplicateSearchInput,
    @Ctx() services: Context,
  ) {
    return payload(JobPayload, async () => {
      const { where = null, distance, maxPairs, idempotencyKey, job: options } = given;
      const project = await projectUuid(services.db, given.projectId);
      const asked = { where, distance, maxPairs };
      const kind = JobKind.NEAR_DUPLICATES as const;
      const task = { projectUuid: project, kind, asked, idempotencyKey, job: options };
      const job = await startTask(services, task, async () => {
        await checkFilter(services.db, project, where);
        checkDuplicatesQuestion(asked);
        return asked;
      });
      return { job };
    });
  }
}
