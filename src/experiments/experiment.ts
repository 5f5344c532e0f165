import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { LearningTask } from '../catalog/vocabulary.js';
import { defineList } from '../graphql/list/list.js';
import { boolean, id, int, oneOf, some, text, time } from '../graphql/list/fields.js';
import { Node } from '../graphql/node.js';
import { DateTime } from '../graphql/scalars.js';
import { JobState } from '../jobs/vocabulary.js';
import { noteFilter, tagFilter } from './notes/note.js';
import { metricFilter } from './search/metricFilter.js';
import { experimentOrders } from './search/order.js';
import { parameterFilter } from './search/parameterFilter.js';

export enum ExperimentSource {
  JOB = 'JOB',
  LOGGED = 'LOGGED',
}
registerEnumType(ExperimentSource, {
  name: 'ExperimentSource',
  description: 'JOB: trained by a worker of this service. LOGGED: trained elsewhere, see createExperiment.',
});

/** One training of one model on one version of a data set: what went in, what came out. */
@Entity('experiment')
@ObjectType({ implements: Node })
export class Experiment extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('uuid', { name: 'model_id' })
  modelUuid: string;

  /** Null: it was trained elsewhere, on data that this catalog does not know. */
  @Column('uuid', { name: 'dataset_version_id', nullable: true })
  datasetVersionUuid: string | null;

  /** Whose weights it began with. */
  @Column('uuid', { name: 'parent_id', nullable: true })
  parentUuid: string | null;

  @Column('text')
  @Field(() => String, {
    description: 'Unique within the project; "project name/experiment name" names it anywhere.',
  })
  name: string;

  @Column('text')
  @Field(() => ExperimentSource)
  source: ExperimentSource;

  @Column('text')
  @Field(() => LearningTask)
  task: LearningTask;

  @Column('text')
  @Field(() => String)
  algorithm: string;

  @Column('text')
  @Field(() => JobState, { description: 'Of its training.' })
  state: JobState;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'What it was trained on, e.g. cuda or wasm.' })
  engine: string | null;

  @Column('text', { name: 'engine_reason', nullable: true })
  @Field(() => String, { nullable: true, description: 'Why this engine, and what kept the faster ones out.' })
  engineReason: string | null;

  @Column('text', { name: 'service_version', nullable: true })
  serviceVersion: string | null;

  @Column('text', { name: 'git_commit', nullable: true })
  gitCommit: string | null;

  @Column('text', { name: 'node_version', nullable: true })
  nodeVersion: string | null;

  @Column('text', { nullable: true })
  platform: string | null;

  @Column('jsonb', { nullable: true })
  packages: Record<string, string> | null;

  @Column('int', { name: 'best_epoch', nullable: true })
  @Field(() => Int, { nullable: true, description: 'Counted from 1.' })
  bestEpoch: number | null;

  @Column('int', { name: 'epochs_run', nullable: true })
  @Field(() => Int, { nullable: true })
  epochsRun: number | null;

  @Column('boolean', { name: 'stopped_early', nullable: true })
  @Field(() => Boolean, { nullable: true })
  stoppedEarly: boolean | null;

  /** A bigint: the driver gives it as text. */
  @Column('bigint', { name: 'last_seq' })
  lastSeqText: string;

  @Field(() => Int, {
    description: 'Number of its newest event; experimentEvents(afterSeq:) goes on from there.',
  })
  get lastSeq(): number {
    return Number(this.lastSeqText);
  }

  @Column('text', { name: 'code_version', nullable: true })
  @Field(() => String, { nullable: true, description: 'Of a logged one, as its trainer calls it.' })
  codeVersion: string | null;

  @Column('timestamptz', { name: 'heard_at', nullable: true })
  @Field(() => DateTime, {
    nullable: true,
    description:
      'When something was last logged. A logged experiment stays RUNNING until finishExperiment says otherwise: one that has long been silent shows it here.',
  })
  lastHeardAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  @Field(() => DateTime, { nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  @Field(() => DateTime, { nullable: true })
  finishedAt: Date | null;

  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  @Field(() => DateTime, {
    nullable: true,
    description: 'restoreExperiment brings it back until `purgeAfter`.',
  })
  deletedAt: Date | null;
}

/** A hyper-parameter as it was used: given, or the server's default at the time. */
@ObjectType({
  description:
    'One of number, text, boolean, numbers and texts; none of them: the parameter was switched off (null).',
})
export class Parameter {
  @Field(() => String)
  name: string;

  @Field(() => Float, { nullable: true })
  number: number | null;

  @Field(() => String, { nullable: true })
  text: string | null;

  @Field(() => Boolean, { nullable: true })
  boolean: boolean | null;

  @Field(() => [Float], { nullable: true })
  numbers: number[] | null;

  @Field(() => [String], { nullable: true })
  texts: string[] | null;
}

export const experimentList = defineList({
  name: 'Experiment',
  table: 'experiment',
  entity: () => Experiment,
  project: 't.project_id',
  fields: {
    id: id('Experiment', 't.id'),
    name: text('t.name', { sort: true }),
    modelId: id('Model', 't.model_id'),
    datasetVersionId: id('DatasetVersion', 't.dataset_version_id'),
    parentId: id('Experiment', 't.parent_id'),
    source: oneOf('ExperimentSource', ExperimentSource, 't.source'),
    task: oneOf('LearningTask', LearningTask, 't.task'),
    algorithm: text('t.algorithm', { sort: true }),
    state: oneOf('JobState', JobState, 't.state'),
    engine: text('t.engine', { nullable: true }),
    gitCommit: text('t.git_commit', { nullable: true }),
    codeVersion: text('coalesce(t.code_version, t.git_commit)'),
    bestEpoch: int('t.best_epoch', { nullable: true }),
    epochsRun: int('t.epochs_run', { nullable: true, sort: true }),
    stoppedEarly: boolean('coalesce(t.stopped_early, false)'),
    createdAt: time('t.created_at', { sort: true }),
    startedAt: time('t.started_at', { nullable: true }),
    finishedAt: time('t.finished_at', { sort: true, nullable: true }),
    deletedAt: time('t.deleted_at', { nullable: true }),
    parameters: some(() => parameterFilter, 's.experiment_id = t.id AND s.project_id = t.project_id'),
    metrics: metricFilter,
    tags: some(() => tagFilter, 's.experiment_id = t.id'),
    notes: some(() => noteFilter, 's.experiment_id = t.id'),
  },
  orders: experimentOrders,
  walk: 400,
  unions: true,
});
