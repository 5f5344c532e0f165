import { PipelineResolver } from './graph/pipelineResolver.js';
import { Job } from './job.js';
import { HostResolver, ProjectJobLimitsResolver } from './host/hostResolver.js';
import { JobResolver } from './jobResolver.js';
import { JobSystemResolver } from './jobSystemResolver.js';
import { NetworkResolver } from './networkResolver.js';
import { Schedule, ScheduleRun } from './schedule/schedule.js';
import { ScheduleResolver, ScheduleRunResolver } from './schedule/scheduleResolver.js';
import { Sweep } from './sweep/sweep.js';
import { JobSweepResolver, SweepResolver, SweepTrialResolver } from './sweep/sweepResolver.js';
import { BatchPredictionResolver } from './task/batchPredictionResolver.js';
import { DuplicatesResolver } from './task/duplicatesResolver.js';
import { EnrichmentResolver } from './task/enrichmentResolver.js';
import { ExportResolver } from './task/exportResolver.js';
import { GateJobReportResolver } from './task/gateJobResolver.js';
import { ImportResolver } from './task/importResolver.js';
import { OrphansResolver } from './task/orphansResolver.js';
import { PredictionsResolver } from './task/predictionsResolver.js';
import { PurgeResolver } from './task/purgeResolver.js';
import { EvaluationDriftResolver, ModelExportResolver } from './task/modelExportResolver.js';

export { JOB_QUEUE, TASK_QUEUE } from './change.js';
export { jobFileRoutes } from './task/jobFile.js';
export { startScheduler } from './schedule/fire.js';
export { startWorker, type Worker, type WorkerOptions } from './worker/worker.js';

export const jobEntities = [Job, Sweep, Schedule, ScheduleRun];
export const jobResolvers = [
  JobResolver,
  JobSystemResolver,
  HostResolver,
  ProjectJobLimitsResolver,
  NetworkResolver,
  ImportResolver,
  ExportResolver,
  EnrichmentResolver,
  DuplicatesResolver,
  PredictionsResolver,
  ModelExportResolver,
  EvaluationDriftResolver,
  BatchPredictionResolver,
  GateJobReportResolver,
  PurgeResolver,
  OrphansResolver,
  PipelineResolver,
  SweepResolver,
  SweepTrialResolver,
  JobSweepResolver,
  ScheduleResolver,
  ScheduleRunResolver,
] as const;
