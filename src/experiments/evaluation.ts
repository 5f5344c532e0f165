import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { LearningTask, Split } from '../catalog/vocabulary.js';
import { defineList } from '../graphql/list/list.js';
import { id, int, oneOf, text, time } from '../graphql/list/fields.js';
import { Node } from '../graphql/node.js';
import { DateTime } from '../graphql/scalars.js';
import { JobState, Weights } from '../jobs/vocabulary.js';

export enum EvaluationSource {
  JOB = 'JOB',
  IMPORTED = 'IMPORTED',
}
registerEnumType(EvaluationSource, {
  name: 'EvaluationSource',
  valuesConfig: {
    JOB: { description: "An experiment's weights, run by a worker." },
    IMPORTED: { description: 'Predictions made elsewhere; see importPredictions.' },
  },
});

/** How well a model does on one split of one version, under each condition, by one protocol. */
@Entity('evaluation')
@ObjectType({ implements: Node })
export class Evaluation extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('uuid', { name: 'model_id' })
  modelUuid: string;

  /** Null: predictions made elsewhere. */
  @Column('uuid', { name: 'experiment_id', nullable: true })
  experimentUuid: string | null;

  @Column('uuid', { name: 'protocol_id' })
  protocolUuid: string;

  @Column('text')
  @Field(() => LearningTask)
  task: LearningTask;

  @Column('text')
  @Field(() => EvaluationSource)
  source: EvaluationSource;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Of imported predictions, as they were called.' })
  name: string | null;

  @Column('uuid', { name: 'dataset_version_id' })
  datasetVersionUuid: string;

  @Column('text')
  @Field(() => Split)
  split: Split;

  @Column('text', { nullable: true })
  @Field(() => Weights, { nullable: true, description: 'Null: predictions made elsewhere.' })
  weights: Weights | null;

  @Column('text')
  @Field(() => JobState)
  state: JobState;

  @Column('text', { array: true })
  @Field(() => [String], { description: 'In the order of the confusion matrix.' })
  classes: string[];

  @Column('int', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'Lights that count; null until it has succeeded.' })
  n: number | null;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  @Field(() => DateTime, { nullable: true })
  finishedAt: Date | null;
}

@ObjectType({ description: 'Of the lights that are `actual`, so many were called `predicted`.' })
export class ConfusionCell {
  @Field(() => String)
  actual: string;
  @Field(() => String)
  predicted: string;
  @Field(() => Int)
  count: number;
}

@ObjectType({
  description:
    "The share of right answers, with what it is worth: n and the interval of the protocol's confidence. Of a detection right is: found at IoU 0.5, and in its colour.",
})
export class EvaluationCondition {
  evaluationUuid: string;
  position: number;
  classes: string[];

  @Field(() => String, { nullable: true, description: 'Null: every light of the split.' })
  condition: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Version of the condition: the one that the data set version was made with, or that a later slice was.',
  })
  conditionVersion: number | null;

  @Field(() => Int)
  n: number;

  @Field(() => Int, { nullable: true, description: 'Null: evaluated before they were counted.' })
  images: number | null;

  @Field(() => Int)
  correct: number;

  @Field(() => Float, { nullable: true, description: 'Null if n is 0.' })
  get accuracy(): number | null {
    return this.n === 0 ? null : this.correct / this.n;
  }

  @Field(() => Float, { nullable: true })
  lower: number | null;

  @Field(() => Float, { nullable: true })
  upper: number | null;

  @Field(() => String, { description: 'Of the interval, e.g. WILSON.' })
  method: string;

  @Field(() => [ConfusionCell], {
    complexity: 0,
    description: 'Row by row; every cell, zeros included. Of detections: of the lights that were found.',
  })
  confusion: ConfusionCell[];
}

export const evaluationList = defineList({
  name: 'Evaluation',
  table: 'evaluation',
  entity: () => Evaluation,
  project: 't.project_id',
  fields: {
    id: id('Evaluation', 't.id'),
    experimentId: id('Experiment', 't.experiment_id'),
    modelId: id('Model', 't.model_id'),
    protocolId: id('EvaluationProtocol', 't.protocol_id'),
    task: oneOf('LearningTask', LearningTask, 't.task'),
    source: oneOf('EvaluationSource', EvaluationSource, 't.source'),
    name: text('t.name', { nullable: true }),
    datasetVersionId: id('DatasetVersion', 't.dataset_version_id'),
    split: oneOf('Split', Split, 't.split'),
    weights: oneOf('Weights', Weights, 't.weights'),
    state: oneOf('JobState', JobState, 't.state'),
    n: int('t.n', { nullable: true, sort: true }),
    createdAt: time('t.created_at', { sort: true }),
    finishedAt: time('t.finished_at', { sort: true, nullable: true }),
  },
});
