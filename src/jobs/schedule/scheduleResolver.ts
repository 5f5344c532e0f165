import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { Project } from '../../catalog/project/project.js';
import { projectUuid } from '../../catalog/project/projectService.js';
import { Dataset } from '../../datasets/dataset.js';
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import { Parameter } from '../../experiments/experiment.js';
import { flatten } from '../../experiments/storedParameters.js';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Model } from '../../models/model/model.js';
import { ShingoError } from '../../platform/error.js';
import {
  PipelineEvaluationInput,
  PipelineGateInput,
  PipelineTrainingInput,
  templateOf,
} from '../graph/pipelineInputs.js';
import { Job } from '../job.js';
import { parametersOf } from '../sweep/sweepService.js';
import { nextTimes } from './dueTimes.js';
import { Schedule, ScheduleRun, scheduleList } from './schedule.js';
import {
  MAX_SHOWN,
  createSchedule,
  deleteSchedule,
  jobsOfRun,
  runsOf,
  setPaused,
} from './scheduleService.js';
import { datasetUuid } from '../../datasets/reference.js';

@InputType()
class CreateScheduleInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String, { description: 'Unique within the project.' })
  name: string;
  @Field(() => String, {
    description: 'Five fields, e.g. "0 3 * * *": minute, hour, day of the month, month, day of the week.',
  })
  cron: string;
  @Field(() => String, { description: 'That cron is of, e.g. Asia/Tokyo.' })
  timeZone: string;
  @Field(() => ID)
  datasetId: string;
  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Each time a new version is made by the recipe of the newest one (filter, shares, seed, fixed test set) from what the catalog holds then; false: the newest one is taken.',
  })
  newVersion: boolean;
  @Field(() => Boolean, {
    defaultValue: true,
    description: 'A run is SKIPPED with DATA_UNCHANGED if the last one has succeeded on the same data id.',
  })
  skipUnchanged: boolean;
  @Field(() => PipelineTrainingInput)
  training: PipelineTrainingInput;
  @Field(() => PipelineEvaluationInput, { nullable: true })
  evaluation?: PipelineEvaluationInput | null;
  @Field(() => PipelineGateInput, { nullable: true })
  gate?: PipelineGateInput | null;
}

@InputType()
class ScheduleInput {
  @Field(() => ID)
  id: string;
}

@ObjectType()
class SchedulePayload extends Payload {
  @Field(() => Schedule, { nullable: true })
  schedule?: Schedule | null;
}

@ObjectType()
class DeleteSchedulePayload extends Payload {
  @Field(() => ID, { nullable: true })
  deletedId?: string | null;
}

@Resolver(() => Schedule)
export class ScheduleResolver {
  @Query(() => Schedule, { nullable: true })
  schedule(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Schedule | null> {
    return load.one(Schedule, uuidOf('Schedule', id));
  }

  @Query(() => scheduleList.Connection)
  async schedules(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => scheduleList.Arguments) page: InstanceType<typeof scheduleList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, scheduleList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Project)
  project(@Root() schedule: Schedule, @Ctx() { load }: Context) {
    return load.one(Project, schedule.projectUuid);
  }

  @FieldResolver(() => Dataset)
  dataset(@Root() schedule: Schedule, @Ctx() { load }: Context) {
    return load.one(Dataset, schedule.datasetUuid);
  }

  @FieldResolver(() => Model, { nullable: true, description: 'That is trained.' })
  model(@Root() { template }: Schedule, @Ctx() { load }: Context) {
    return load.one(Model, template.training.modelUuid);
  }

  @FieldResolver(() => [Parameter], {
    description: 'That were given; the others take their defaults of the day.',
  })
  parameters(@Root() { template }: Schedule) {
    const flat = Object.entries(flatten(template.training.parameters));
    return parametersOf(flat.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'That a version gets which passes every gate.',
  })
  alias(@Root() { template }: Schedule) {
    return template.gate?.alias ?? null;
  }

  @FieldResolver(() => [DateTime], { description: 'From now on, at most 100; none if it is paused.' })
  nextRuns(@Root() schedule: Schedule, @Arg('first', () => Int, { defaultValue: 3 }) first: number) {
    if (first < 1 || first > MAX_SHOWN)
      throw new ShingoError('BAD_USER_INPUT', `first is 1 to ${MAX_SHOWN} times.`, 400, ['first']);
    if (schedule.nextRun === null) return [];
    return [schedule.nextRun, ...nextTimes(schedule, first, schedule.nextRun)].slice(0, first);
  }

  @FieldResolver(() => [ScheduleRun], { complexity: 10, description: 'Newest first; the last 500 are kept.' })
  runs(
    @Root() schedule: Schedule,
    @Arg('first', () => Int, { defaultValue: 10 }) first: number,
    @Ctx() { db, load }: Context,
  ) {
    return runsOf(load, db, schedule.uuid, first);
  }

  @Mutation(() => SchedulePayload, {
    description:
      'Starts a pipeline at every due time, once, however many processes run. Times that nobody was there for are one run.',
  })
  createSchedule(
    @Arg('input', () => CreateScheduleInput) given: CreateScheduleInput,
    @Ctx() { db, actor }: Context,
  ) {
    return payload(SchedulePayload, async () => {
      const { name, cron, timeZone, newVersion, skipUnchanged } = given;
      const schedule = await createSchedule(db, actor, {
        ...{ name, cron, timeZone, newVersion, skipUnchanged },
        projectUuid: await projectUuid(db, given.projectId),
        datasetUuid: await datasetUuid(db, given.datasetId, ['datasetId']),
        template: await templateOf(db, given),
      });
      return { schedule };
    });
  }

  @Mutation(() => SchedulePayload, { description: 'Nothing is due until it is resumed; jobs go on.' })
  pauseSchedule(@Arg('input', () => ScheduleInput) { id }: ScheduleInput, @Ctx() { db }: Context) {
    return payload(SchedulePayload, async () => ({
      schedule: await setPaused(db, uuidOf('Schedule', id), true),
    }));
  }

  @Mutation(() => SchedulePayload, {
    description: 'It goes on with its next time; those that have passed are not made up for.',
  })
  resumeSchedule(@Arg('input', () => ScheduleInput) { id }: ScheduleInput, @Ctx() { db }: Context) {
    return payload(SchedulePayload, async () => ({
      schedule: await setPaused(db, uuidOf('Schedule', id), false),
    }));
  }

  @Mutation(() => DeleteSchedulePayload, { description: 'With its history; jobs that it has started go on.' })
  deleteSchedule(@Arg('input', () => ScheduleInput) { id }: ScheduleInput, @Ctx() { db }: Context) {
    return payload(DeleteSchedulePayload, async () => {
      await deleteSchedule(db, uuidOf('Schedule', id));
      return { deletedId: id };
    });
  }
}

@Resolver(() => ScheduleRun)
export class ScheduleRunResolver {
  @FieldResolver(() => DatasetVersion, { nullable: true })
  datasetVersion(@Root() run: ScheduleRun, @Ctx() { load }: Context) {
    return load.one(DatasetVersion, run.datasetVersionUuid);
  }

  @FieldResolver(() => [Job], { complexity: 10, description: 'The training, the evaluation and the gate.' })
  jobs(@Root() run: ScheduleRun, @Ctx() { db, load }: Context) {
    return jobsOfRun(load, db, run);
  }
}
