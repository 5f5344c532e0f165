import { Arg, Ctx, Field, ID, InputType, Mutation, Resolver } from 'type-graphql';
import { projectUuid } from '../../catalog/project/projectService.js';
import type { Context } from '../../graphql/context.js';
import { payload } from '../../graphql/userError.js';
import { StartJobInput } from '../options.js';
import { JobPayload } from './jobPayload.js';
import { startOrphanCollection } from './startOrphanCollection.js';

@InputType()
class StartOrphanCollectionInput extends StartJobInput {
  @Field(() => ID, { description: 'Whose job it is; it looks through the whole store all the same.' })
  projectId: string;
  @Field(() => Boolean, { defaultValue: false, description: 'Only counts what it would remove.' })
  dryRun: boolean;
  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'The store is this database’s from now on, whosever it was: for a database that was restored from a backup, or moved. Until then nothing is removed from it: STORE_OF_ANOTHER_DATABASE. With dryRun: what would go then; it stays whose it is.',
  })
  takeStore: boolean;
}

@Resolver()
export class OrphansResolver {
  @Mutation(() => JobPayload, {
    description:
      'Removes what nothing refers to from the blob store. The same key and request again: the same job.',
  })
  startOrphanCollection(
    @Arg('input', () => StartOrphanCollectionInput) { projectId, ...asked }: StartOrphanCollectionInput,
    @Ctx() services: Context,
  ) {
    return payload(JobPayload, async () => ({
      job: await startOrphanCollection(services, {
        projectUuid: await projectUuid(services.db, projectId),
        ...asked,
      }),
    }));
  }
}
