/** A thread of the bootstrap. */
import { workerData } from 'node:worker_threads';
import { resampling, type ResampleTask } from './resampleRows.js';

for (const _ of resampling(workerData as ResampleTask));
