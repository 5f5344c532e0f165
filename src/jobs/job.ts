import { Field, Float, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../graphql/list/list.js';
import { boolean, id, int, oneOf, text, time } from '../graphql/list/fields.js';
import { Node } from '../graphql/node.js';
import { DateTime } from '../graphql/scalars.js';
import { JobRequirements } from './options.js';
import { JobKind, JobState, Reason, reasonOf, type Engine } from './vocabulary.js';

@ObjectType({ description: 'How far a job is. Counts are of the whole job, all epochs.' })
export class JobProgress {
  @Field(() => String, {
    description:
      'LOADING, TRAINING, VALIDATING or EVALUATING; of other jobs what they are at, such as WRITING.',
  })
  phase: string;
  @Field(() => Int, { nullable: true })
  epoch: number | null;
  @Field(() => Int, { nullable: true })
  epochs: number | null;
  @Field(() => Float, { nullable: true, description: 'Lights, of a training; else images.' })
  done: number | null;
  @Field(() => Float, { nullable: true, description: 'Null: not known yet.' })
  total: number | null;
  @Field(() => Float, { nullable: true })
  imagesPerSecond: number | null;
  @Field(() => Float, { nullable: true })
  secondsLeft: number | null;
}

/** Work for a worker. Its row says who has it and whether they live; see worker/ and docs/decisions. */
@Entity('job')
@ObjectType({ implements: Node })
export class Job extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => JobKind)
  kind: JobKind;

  @Column('text')
  @Field(() => JobState)
  state: JobState;

  @Column('boolean')
  @Field(() => Boolean, {
    name: 'waiting',
    description: 'QUEUED, but nobody may take it yet: it waits for jobs that it needs, or for its sweep.',
  })
  held: boolean;

  @Column('text', { name: 'reason_code', nullable: true })
  reasonCode: string | null;

  @Column('text', { name: 'reason_message', nullable: true })
  reasonMessage: string | null;

  @Field(() => Reason, { nullable: true, description: 'Why it failed, was cancelled, or is queued again.' })
  get reason(): Reason | null {
    return reasonOf(this.reasonCode, this.reasonMessage);
  }

  /** Null: a task. */
  @Column('uuid', { name: 'experiment_id', nullable: true })
  experimentUuid: string | null;

  @Column('uuid', { name: 'evaluation_id', nullable: true })
  evaluationUuid: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'What it runs on, e.g. cuda or wasm.' })
  engine: string | null;

  /** What it was asked to run on; auto: anything. */
  @Column('text', { name: 'requested_engine' })
  requestedEngine: string;

  @Column('text', { name: 'required_labels', array: true })
  requiredLabels: string[];

  @Field(() => JobRequirements, { complexity: 0 })
  get requires(): JobRequirements {
    return { engine: this.requestedEngine as Engine, labels: this.requiredLabels };
  }

  @Column('int')
  @Field(() => Int, { description: 'The higher goes first.' })
  priority: number;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Who has it.' })
  worker: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'The machine of its worker.' })
  host: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Of its host, e.g. 0 for the first GPU; null: any.' })
  device: string | null;

  @Column('int')
  @Field(() => Int, { description: 'How often a worker has taken it up, drained workers included.' })
  attempt: number;

  @Column('int', { name: 'max_attempts' })
  @Field(() => Int, {
    description: 'So many attempts may end in a crash or a lost worker before the job fails.',
  })
  maxAttempts: number;

  @Column('int')
  @Field(() => Int, { description: 'Attempts that ended in a crash or with their worker.' })
  crashes: number;

  /** Workers that it lost in a row, without a checkpoint in between. */
  @Column('int')
  losses: number;

  @Column('boolean')
  @Field(() => Boolean, {
    description: 'Given up: it crashed, or lost its worker, too often. See lastLines; retryJob puts it back.',
  })
  dead: boolean;

  @Column('int', { name: 'timeout_seconds', nullable: true })
  @Field(() => Int, {
    nullable: true,
    description: 'It fails with TIMED_OUT when it has run longer, all attempts together; null: no limit.',
  })
  timeoutSeconds: number | null;

  @Column('timestamptz', { name: 'not_before', nullable: true })
  @Field(() => DateTime, {
    nullable: true,
    description: 'After a crash: when it is tried again at the earliest.',
  })
  notBefore: Date | null;

  @Column('timestamptz', { name: 'heartbeat_at', nullable: true })
  @Field(() => DateTime, { nullable: true, description: 'When its worker last spoke; about every 2 s.' })
  heartbeatAt: Date | null;

  @Column('text', { nullable: true })
  phase: string | null;
  @Column('int', { nullable: true })
  epoch: number | null;
  @Column('int', { nullable: true })
  epochs: number | null;
  /** Bigints: the driver gives them as text. */
  @Column('bigint', { nullable: true })
  done: string | null;
  @Column('bigint', { nullable: true })
  total: string | null;
  @Column('double precision', { name: 'images_per_second', nullable: true })
  imagesPerSecond: number | null;
  @Column('double precision', { name: 'seconds_left', nullable: true })
  secondsLeft: number | null;

  @Column('timestamptz', { name: 'expected_end', nullable: true })
  @Field(() => DateTime, { nullable: true, description: 'As of its last progress; null: not known.' })
  expectedEnd: Date | null;

  @Field(() => JobProgress, { nullable: true, complexity: 0 })
  get progress(): JobProgress | null {
    if (this.phase === null) return null;
    const { phase, epoch, epochs, done, total, imagesPerSecond, secondsLeft } = this;
    const counts = {
      done: done === null ? null : Number(done),
      total: total === null ? null : Number(total),
    };
    return Object.assign(new JobProgress(), {
      phase,
      epoch,
      epochs,
      ...counts,
      imagesPerSecond,
      secondsLeft,
    });
  }

  /** Of a task, once it has one; its form is that of its kind. */
  @Column('jsonb', { nullable: true })
  report: object | null;

  /** Of the project's changes, its last; a bigint as text. */
  @Column('bigint')
  seq: string;

  @Column('timestamptz', { name: 'queued_at' })
  @Field(() => DateTime)
  queuedAt: Date;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  @Field(() => DateTime, { nullable: true, description: 'Of its first attempt.' })
  startedAt: Date | null;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  @Field(() => DateTime, { nullable: true })
  finishedAt: Date | null;
}

/** A training or an evaluation. */
export type ExperimentJob = Job & { experimentUuid: string };

/** Of a training or an evaluation. */
export function experimentOf(job: Pick<Job, 'uuid' | 'experimentUuid'>): string {
  if (job.experimentUuid === null) throw new Error(`Job ${job.uuid} has no experiment.`);
  return job.experimentUuid;
}

export const jobList = defineList({
  name: 'Job',
  table: 'job',
  entity: () => Job,
  project: 't.project_id',
  fields: {
    id: id('Job', 't.id'),
    kind: oneOf('JobKind', JobKind, 't.kind'),
    state: oneOf('JobState', JobState, 't.state'),
    waiting: boolean('t.held'),
    experimentId: id('Experiment', 't.experiment_id'),
    evaluationId: id('Evaluation', 't.evaluation_id'),
    worker: text('t.worker', { nullable: true }),
    host: text('t.host', { nullable: true }),
    priority: int('t.priority', { sort: true }),
    dead: boolean('t.dead'),
    engine: text('t.engine', { nullable: true }),
    attempt: int('t.attempt', { sort: true }),
    reasonCode: text('t.reason_code', { nullable: true }),
    queuedAt: time('t.queued_at', { sort: true }),
    startedAt: time('t.started_at', { sort: true, nullable: true }),
    finishedAt: time('t.finished_at', { sort: true, nullable: true }),
  },
});
