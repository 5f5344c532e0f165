/** The part of the schema that this client reads, as TypeScript. */

export type JobState = 'QUEUED' | 'RUNNING' | 'CANCELLING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
export type Split = 'TRAIN' | 'VALIDATION' | 'TEST';
/** The scalar Real: JSON has no word for these three numbers. */
export type Real = number | 'NaN' | 'Infinity' | '-Infinity';

export interface Reason {
  code: string;
  message: string;
}

interface EventBase {
  seq: number;
  time: string;
}
export interface MetricFields extends EventBase {
  step: number;
  name: string;
  split: Split | null;
  value: Real;
  n: number | null;
  lower: number | null;
  upper: number | null;
}
export interface MetricEvent extends MetricFields {
  __typename: 'MetricEvent';
}
export interface ConditionMetricEvent extends MetricFields {
  __typename: 'ConditionMetricEvent';
  condition: string;
}
export interface StatusEvent extends EventBase {
  __typename: 'StatusEvent';
  state: JobState;
  reason: Reason | null;
}
export interface LogEvent extends EventBase {
  __typename: 'LogEvent';
  level: string;
  message: string;
}
export interface DoneEvent extends EventBase {
  __typename: 'DoneEvent';
  state: JobState;
  reason: Reason | null;
}
export type ExperimentEvent = MetricEvent | ConditionMetricEvent | StatusEvent | LogEvent | DoneEvent;

export const EXPERIMENT_EVENTS = /* GraphQL */ `
  subscription ExperimentEvents($id: ID!, $afterSeq: Int!) {
    experimentEvents(id: $id, afterSeq: $afterSeq) {
      __typename
      ... on MetricEvent {
        seq
        time
        step
        name
        split
        value
        n
        lower
        upper
      }
      ... on ConditionMetricEvent {
        seq
        time
        step
        name
        split
        condition
        value
        n
        lower
        upper
      }
      ... on StatusEvent {
        seq
        time
        state
        reason {
          code
          message
        }
      }
      ... on LogEvent {
        seq
        time
        level
        message
      }
      ... on DoneEvent {
        seq
        time
        state
        reason {
          code
          message
        }
      }
    }
  }
`;

export function real(value: Real): number {
  return Number(value);
}
