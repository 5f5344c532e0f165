import { Job } from './job.js';
import { JobResolver } from './jobResolver.js';

export { JOB_QUEUE } from './change.js';
export { startWorker, type Worker, type WorkerOptions } from './worker/worker.js';

export const jobEntities = [Job];
export const jobResolvers = [JobResolver] as const;
