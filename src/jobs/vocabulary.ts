/** The words of jobs, which experiments and evaluations share. */
import { Field, ObjectType, registerEnumType } from 'type-graphql';

export enum JobState {
  QUEUED = 'QUEUED',
  RUNNING = 'RUNNING',
  CANCELLING = 'CANCELLING',
  SUCCEEDED = 'SUCCEEDED',
  FAILED = 'FAILED',
  CANCELLED = 'CANCELLED',
}
export enum JobKind {
  TRAINING = 'TRAINING',
  EVALUATION = 'EVALUATION',
  IMPORT = 'IMPORT',
  EXPORT = 'EXPORT',
  ENRICHMENT = 'ENRICHMENT',
  NEAR_DUPLICATES = 'NEAR_DUPLICATES',
  PREDICTIONS = 'PREDICTIONS',
  MODEL_EXPORT = 'MODEL_EXPORT',
  BATCH_PREDICTION = 'BATCH_PREDICTION',
  GATE = 'GATE',
  PURGE = 'PURGE',
  ORPHANS = 'ORPHANS',
}
/** Jobs of an experiment, which need a trainer. */
export type TrainerKind = JobKind.TRAINING | JobKind.EVALUATION;
/** Jobs of a project; see task/. */
export type TaskKind = Exclude<JobKind, TrainerKind>;
export enum Weights {
  BEST = 'BEST',
  LAST = 'LAST',
  INITIAL = 'INITIAL',
}
export enum Engine {
  AUTO = 'auto',
  CUDA = 'cuda',
  NATIVE = 'native',
  WEBGPU = 'webgpu',
  WASM = 'wasm',
  CPU = 'cpu',
}
registerEnumType(JobState, {
  name: 'JobState',
  description: 'SUCCEEDED, FAILED and CANCELLED are final; a job that lost its worker is QUEUED again.',
});
registerEnumType(JobKind, { name: 'JobKind' });
registerEnumType(Weights, {
  name: 'Weights',
  description: 'Of the best epoch, of the last one, or as they were before training.',
});
registerEnumType(Engine, { name: 'Engine', description: 'AUTO: whatever the worker has, fastest first.' });

export const isTask = (kind: JobKind): kind is TaskKind =>
  kind !== JobKind.TRAINING && kind !== JobKind.EVALUATION;

export const FINAL: readonly JobState[] = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED];
export const isFinal = (state: JobState): boolean => FINAL.includes(state);

@ObjectType({ description: 'Why a job is in its state.' })
export class Reason {
  @Field(() => String, { description: 'Stable, e.g. TRAINER_CRASHED.' })
  code: string;

  @Field(() => String)
  message: string;
}

export const reasonOf = (code: string | null, message: string | null): Reason | null =>
  code === null ? null : Object.assign(new Reason(), { code, message: message ?? '' });

/** Topics of the hub. */
export const EXPERIMENT_TOPIC = 'experiment';
export const PROJECT_JOBS_TOPIC = 'jobs';
export const JOB_TOPIC = 'job';
