/** A look at jobs that wait and sweeps that stand still, every so often: what could not be done at once is done then. */
import type { DataSource } from 'typeorm';
import { changeJob, enqueue } from '../change.js';
import { mendSweeps } from '../sweep/sweepService.js';
import { mendDependents } from './dependents.js';

/** Returns how many jobs were settled that wait for others. */
export async function mendGraphs(db: DataSource): Promise<number> {
  await mendSweeps(db);
  return mendDependents(db, { changeJob, enqueue });
}
