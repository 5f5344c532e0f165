/** A trial that has come to the end of its rung: it waits, with its checkpoint, for what the others come to. */
import type { EntityManager } from 'typeorm';
import { changeJob, enqueue } from '../change.js';
import type { Job } from '../job.js';
import { JobState } from '../vocabulary.js';
import { advanceSweepOf } from './advance.js';

/**
 * False: the job is no trial, has not come so far, or its sweep waits for nobody any more.
 * @param job as `lockJob` gave it in this transaction
 * @param epoch of its checkpoint
 */
export async function pauseIfDue(manager: EntityManager, job: Job, epoch: number): Promise<boolean> {
  if (job.state !== JobState.RUNNING) return false;
  const [row]: { pause: number; state: string }[] = await manager.query(
    `/* sweep.pause */ SELECT j.pause_epoch AS pause, s.state FROM job j JOIN sweep_trial t ON t.job_id = j.id
     JOIN sweep s ON s.id = t.sweep_id WHERE j.id = $1 AND j.pause_epoch <= $2`,
    [job.uuid, epoch],
  );
  if (!row) return false;
  if (row.state !== 'RUNNING') {
    // Put back by hand after its sweep was over: it is an ordinary training now.
    await manager.query('/* sweep.unpause */ UPDATE job SET pause_epoch = NULL WHERE id = $1', [job.uuid]);
    return false;
  }
  const message = `It has come to epoch ${row.pause} and waits for the other trials of its sweep.`;
  await changeJob(manager, job, JobState.QUEUED, { reason: { code: 'RUNG_ENDED', message } });
  await manager.query('/* sweep.hold */ UPDATE job SET held = true WHERE id = $1', [job.uuid]);
  await advanceSweepOf(manager, job.uuid, { changeJob, enqueue });
  return true;
}
