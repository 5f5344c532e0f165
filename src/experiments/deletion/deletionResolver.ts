import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { DateTime } from '../../graphql/scalars.js';
import { selectOne } from '../../graphql/select.js';
import { Payload, payload } from '../../graphql/userError.js';
import { retentionOf } from '../../retention/retention.js';
import { Experiment } from '../experiment.js';
import { anyExperimentUuid } from '../experimentService.js';
import { deleteExperiment, restoreExperiment } from './deletion.js';

const DAY_MS = 86_400_000;

@InputType()
class DeletionInput {
  @Field(() => ID, { description: 'Id, or "project name/experiment name".' })
  id: string;
}

@ObjectType()
class DeletionPayload extends Payload {
  @Field(() => Experiment, { nullable: true })
  experiment?: Experiment | null;
}

@Resolver(() => Experiment)
export class DeletionResolver {
  @FieldResolver(() => DateTime, {
    nullable: true,
    description: 'From then on the nightly purge removes it for good; null: it is not deleted.',
  })
  async purgeAfter(
    @Root() { deletedAt, projectUuid }: Experiment,
    @Ctx() { load, db }: Context,
  ): Promise<Date | null> {
    if (!deletedAt) return null;
    const { deletedDays } = await retentionOf(load, db, projectUuid);
    return new Date(deletedAt.getTime() + deletedDays * DAY_MS);
  }

  @Mutation(() => DeletionPayload, {
    description:
      'Hides it everywhere; it can be restored until it is purged. Refused while a job of it is not over, or something stands on it.',
  })
  deleteExperiment(@Arg('input', () => DeletionInput) { id }: DeletionInput, @Ctx() { db }: Context) {
    return payload(DeletionPayload, async () => {
      const uuid = await anyExperimentUuid(db, id, ['id']);
      await deleteExperiment(db, uuid);
      return { experiment: await selectOne(db, Experiment, uuid) };
    });
  }

  @Mutation(() => DeletionPayload, { description: 'As it was. Refused once its purge has begun.' })
  restoreExperiment(@Arg('input', () => DeletionInput) { id }: DeletionInput, @Ctx() { db }: Context) {
    return payload(DeletionPayload, async () => {
      const uuid = await anyExperimentUuid(db, id, ['id']);
      await restoreExperiment(db, uuid);
      return { experiment: await selectOne(db, Experiment, uuid) };
    });
  }
}
