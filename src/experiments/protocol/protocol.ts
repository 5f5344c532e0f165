import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { defineList } from '../../graphql/list/list.js';
import { id, int, oneOf, text, time } from '../../graphql/list/fields.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

export enum BoxConvention {
  CONTINUOUS = 'CONTINUOUS',
}
export enum IgnoreRule {
  UNKNOWN_COLOR = 'UNKNOWN_COLOR',
  UNKNOWN_COLOR_OR_OCCLUDED = 'UNKNOWN_COLOR_OR_OCCLUDED',
}
export enum IntervalMethod {
  WILSON_OR_BOOTSTRAP = 'WILSON_OR_BOOTSTRAP',
  BOOTSTRAP = 'BOOTSTRAP',
}
registerEnumType(BoxConvention, {
  name: 'BoxConvention',
  valuesConfig: {
    CONTINUOUS: {
      description: 'Width is right minus left. Formats that include the last pixel are converted when read.',
    },
  },
});
registerEnumType(IgnoreRule, {
  name: 'IgnoreRule',
  description: 'Lights that are neither missed when not found nor wrong when found.',
  valuesConfig: {
    UNKNOWN_COLOR: { description: 'Those whose colour nobody could tell.' },
    UNKNOWN_COLOR_OR_OCCLUDED: { description: 'Those, and those that something covers.' },
  },
});
registerEnumType(IntervalMethod, {
  name: 'IntervalMethod',
  valuesConfig: {
    WILSON_OR_BOOTSTRAP: {
      description:
        'Wilson where a figure is a proportion; else the percentile bootstrap over drives or images.',
    },
    BOOTSTRAP: { description: 'Always the percentile bootstrap over drives or images.' },
  },
});

/** How figures come about, so that two of them can be compared. A change is a new version, never an edit. */
@Entity('evaluation_protocol')
@ObjectType({ implements: Node })
export class EvaluationProtocol extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => String)
  name: string;

  @Column('int')
  @Field(() => Int, { description: 'From 1 within the name; evaluations stay with the one that they used.' })
  version: number;

  @Column('text')
  @Field(() => LearningTask)
  task: LearningTask;

  @Column('float8', { name: 'iou_thresholds', array: true })
  @Field(() => [Float], { description: 'AP and AR are means over them; empty: nothing is detected.' })
  iouThresholds: number[];

  @Column('int', { name: 'max_detections', array: true })
  @Field(() => [Int], { description: 'Of an image, the best; the last is that of AP.' })
  maxDetections: number[];

  @Column('text', { name: 'box_convention' })
  @Field(() => BoxConvention)
  boxConvention: BoxConvention;

  @Column('text', { name: 'ignore_rule' })
  @Field(() => IgnoreRule)
  ignoreRule: IgnoreRule;

  @Column('float8', { name: 'score_threshold' })
  @Field(() => Float, { description: 'Recall, precision and confusion look at detections of this score on.' })
  scoreThreshold: number;

  @Column('float8', { name: 'size_bounds', array: true })
  @Field(() => [Float], { description: 'Widths in pixels of the picture: n bounds make n + 1 size bins.' })
  sizeBounds: number[];

  @Column('text', { name: 'interval_method' })
  @Field(() => IntervalMethod)
  intervalMethod: IntervalMethod;

  @Column('float8')
  @Field(() => Float, { description: 'Of the intervals, e.g. 0.95.' })
  confidence: number;

  @Column('int')
  @Field(() => Int, { description: 'Of the bootstrap.' })
  resamples: number;

  @Column('int')
  @Field(() => Int, { description: 'Of the bootstrap: the same figures give the same interval anywhere.' })
  seed: number;

  @Column('int', { name: 'minimum_n' })
  @Field(() => Int, { description: 'A figure of fewer is INSUFFICIENT_DATA.' })
  minimumN: number;

  @Column('float8', { name: 'max_changed_share' })
  @Field(() => Float, {
    description:
      'Of the decisions, the share that the export of a model may change, by the upper end of its interval.',
  })
  maxChangedShare: number;

  @Column('float8', { name: 'max_score_difference' })
  @Field(() => Float, { description: 'By which the export of a model may change a score; 1: whatever.' })
  maxScoreDifference: number;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const protocolList = defineList({
  name: 'EvaluationProtocol',
  table: 'evaluation_protocol',
  entity: () => EvaluationProtocol,
  project: 't.project_id',
  fields: {
    id: id('EvaluationProtocol', 't.id'),
    name: text('t.name', { sort: true }),
    version: int('t.version', { sort: true }),
    task: oneOf('LearningTask', LearningTask, 't.task'),
    createdAt: time('t.created_at', { sort: true }),
  },
});
