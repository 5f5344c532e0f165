import { Arg, Ctx, Field, FieldResolver, Float, Int, ObjectType, Resolver, Root } from 'type-graphql';
import type { Context } from '../graphql/context.js';
import { DateTime } from '../graphql/scalars.js';
import { ShingoError } from '../platform/error.js';
import { Job } from './job.js';
import { lastLines } from './jobService.js';
import { Reason } from './vocabulary.js';
import { whyWaiting } from './waiting.js';
import { samplesOf } from './worker/system/store.js';

@ObjectType({ description: 'What a running job took of its host at one moment, with all the processes that it started.' })
export class JobSystemPoint {
  @Field(() => DateTime)
  time: Date;
  @Field(() => Int)
  attempt: number;
  @Field(() => Float, { description: 'Of one core: 200 is two cores.' })
  cpuPercent: number;
  @Field(() => Float)
  memoryBytes: number;
  @Field(() => Float, { nullable: true, description: 'Of the file system of its work folder.' })
  diskUsedBytes: number | null;
  @Field(() => Float, { nullable: true })
  diskFreeBytes: number | null;
  @Field(() => Float, { nullable: true, description: 'Of all cores of the host.' })
  hostCpuPercent: number | null;
  @Field(() => Float, { nullable: true })
  hostMemoryBytes: number | null;
  @Field(() => Float, { nullable: true })
  hostMemoryTotalBytes: number | null;
  @Field(() => Float, {
    nullable: true,
    description: "Of the job's device, or the mean of all; null: no NVIDIA GPU.",
  })
  gpuPercent: number | null;
  @Field(() => Float, { nullable: true })
  gpuMemoryBytes: number | null;
  @Field(() => Float, { nullable: true })
  gpuMemoryTotalBytes: number | null;
}

const MOST_POINTS = 1_000;

/** What of a job is asked for seldom and is no column of it. */
@Resolver(() => Job)
export class JobSystemResolver {
  @FieldResolver(() => [JobSystemPoint], {
    description:
      'Sampled every 5 s while it runs and thinned as it ages: of neighbours, that with the most memory stays.',
  })
  system(
    @Root() job: Job,
    @Ctx() { db, load }: Context,
    @Arg('maxPoints', () => Int, { defaultValue: 200, description: '1 to 1000.' }) maxPoints: number,
  ): Promise<JobSystemPoint[]> {
    if (maxPoints < 1 || maxPoints > MOST_POINTS)
      throw new ShingoError('BAD_USER_INPUT', `maxPoints is 1 to ${MOST_POINTS}.`, 400, ['maxPoints']);
    return load
      .batch(`job.system ${maxPoints}`, (uuids) => samplesOf(db, uuids, maxPoints))
      .load(job.uuid);
  }

  @FieldResolver(() => [String], { description: 'The last 40 lines that its newest attempt wrote.' })
  lastLines(@Root() job: Job, @Ctx() { db, load }: Context): Promise<string[]> {
    return load.batch('job.lastLines', (uuids) => lastLines(db, uuids)).load(job.uuid);
  }

  @FieldResolver(() => Reason, {
    nullable: true,
    description: 'Of a QUEUED job, why nobody has it yet: HELD, NO_HOST, RETRY_LATER, PROJECT_LIMIT or NO_SLOT.',
  })
  waitsFor(@Root() job: Job, @Ctx() { db, load }: Context): Promise<Reason | null> {
    return load.batch('job.waiting', (uuids) => whyWaiting(db, uuids)).load(job.uuid);
  }
}
