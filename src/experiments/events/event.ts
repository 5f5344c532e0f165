/** What an experiment's log holds, as classes of the API; a new event is one of these without seq and time. */
import { Field, Int, InterfaceType, ObjectType } from 'type-graphql';
import type { Split } from '../../catalog/vocabulary.js';
import { DateTime } from '../../graphql/scalars.js';
import { JobState, Reason, reasonOf } from '../../jobs/vocabulary.js';
import { Measured } from '../metric.js';

@InterfaceType('ExperimentEvent', {
  description: "A row of an experiment's event log.",
  resolveType: (event: object) => CLASSES.find((type) => event instanceof type),
})
export abstract class LogRow {
  @Field(() => Int, { description: "Place in the experiment's event log: 1, 2, 3, … without gaps." })
  seq: number;

  @Field(() => DateTime)
  time: Date;
}

@ObjectType({ implements: LogRow, description: 'A metric over every light of the split.' })
export class MetricEvent extends Measured {}

@ObjectType({ implements: LogRow, description: 'A metric over the lights under one condition.' })
export class ConditionMetricEvent extends Measured {
  @Field(() => String)
  condition: string;
}

@ObjectType({ implements: LogRow, description: 'The training changed its state.' })
export class StatusEvent extends LogRow {
  @Field(() => JobState)
  state: JobState;

  @Field(() => Reason, { nullable: true })
  reason: Reason | null;
}

@ObjectType({ implements: LogRow })
export class LogEvent extends LogRow {
  @Field(() => String, { description: 'info, warn or error.' })
  level: string;

  @Field(() => String)
  message: string;
}

@ObjectType({ implements: LogRow, description: 'The training is over; nothing comes after this.' })
export class DoneEvent extends LogRow {
  @Field(() => JobState)
  state: JobState;

  @Field(() => Reason, { nullable: true })
  reason: Reason | null;
}

const CLASSES = [MetricEvent, ConditionMetricEvent, StatusEvent, LogEvent, DoneEvent] as const;

export type ExperimentEvent = InstanceType<(typeof CLASSES)[number]>;

export interface NewMetric {
  kind: 'METRIC';
  name: string;
  split: `${Split}` | null;
  condition: string | null;
  /** Null: over all classes. */
  class?: string | null;
  step: number;
  /** Null: now. */
  time?: Date | null;
  /** May be NaN or infinite. */
  value: number;
  /** Null: not known, as of most of what was measured elsewhere. */
  n: number | null;
  lower: number | null;
  upper: number | null;
  method: string | null;
}
export type NewEvent =
  | NewMetric
  | { kind: 'STATUS' | 'DONE'; state: JobState; reason: Reason | null }
  | { kind: 'LOG'; level: string; message: string };

/** A row of experiment_event. */
export interface EventRow {
  seq: string;
  time: Date;
  kind: NewEvent['kind'];
  name: string | null;
  split: Split | null;
  condition: string | null;
  class: string | null;
  step: number | null;
  value: number | null;
  n: number | null;
  lower: number | null;
  upper: number | null;
  method: string | null;
  state: JobState | null;
  reason_code: string | null;
  level: string | null;
  message: string | null;
}

export const EVENT_COLUMNS = `seq, time, kind, name, split, condition, class, step, value, n, lower, upper, method, state,
  reason_code, level, message`;

export function toEvent(row: EventRow): ExperimentEvent {
  const head = { seq: Number(row.seq), time: row.time };
  if (row.kind === 'METRIC') {
    const { step, name, split, value, n, lower, upper, method, condition } = row;
    const metric = { ...head, step, name, split, class: row.class, value, n, lower, upper, method };
    if (condition === null) return Object.assign(new MetricEvent(), metric);
    return Object.assign(new ConditionMetricEvent(), metric, { condition });
  }
  if (row.kind === 'LOG')
    return Object.assign(new LogEvent(), head, { level: row.level, message: row.message });
  const change = { state: row.state as JobState, reason: reasonOf(row.reason_code, row.message) };
  return Object.assign(row.kind === 'STATUS' ? new StatusEvent() : new DoneEvent(), head, change);
}
