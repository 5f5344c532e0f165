/** Deleting an experiment hides it; its rows and files stay until they are purged, and until then it can be restored. */
import type { DataSource, EntityManager } from 'typeorm';
import { hint } from '../../platform/hub.js';
import { ShingoError } from '../../platform/error.js';
import { EXPERIMENT_TOPIC, FINAL } from '../../jobs/vocabulary.js';

interface Row {
  project_id: string;
  deleted_at: Date | null;
  purge_started_at: Date | null;
}

/** FOR UPDATE waits for whoever refers to it just now: a job that is being started, a model version. */
async function locked(manager: EntityManager, uuid: string): Promise<Row> {
  const rows: Row[] = await manager.query(
    `/* experiment.lockDeleted */ SELECT project_id, deleted_at, purge_started_at FROM experiment WHERE id = $1 FOR UPDATE`,
    [uuid],
  );
  if (rows[0]) return rows[0];
  throw new ShingoError('NOT_FOUND', 'There is no such experiment.', 404, ['id']);
}

/** Once; deleted again it stays as it is. @throws ShingoError NOT_FOUND, EXPERIMENT_BUSY, EXPERIMENT_IN_USE */
export const deleteExperiment = (db: DataSource, uuid: string): Promise<void> =>
  db.transaction(async (manager) => {
    const { project_id, deleted_at } = await locked(manager, uuid);
    if (deleted_at) return;
    await refuseIfUsed(manager, project_id, uuid);
    await manager.query('/* experiment.delete */ UPDATE experiment SET deleted_at = now() WHERE id = $1', [
      uuid,
    ]);
    await hint(manager, EXPERIMENT_TOPIC, uuid);
  });

/** One that is not deleted stays as it is. @throws ShingoError NOT_FOUND, EXPERIMENT_PURGED */
export const restoreExperiment = (db: DataSource, uuid: string): Promise<void> =>
  db.transaction(async (manager) => {
    const { purge_started_at: purged } = await locked(manager, uuid);
    if (purged) {
      const message = `This experiment is being purged since ${purged.toISOString()}: parts of it are gone.`;
      throw new ShingoError('EXPERIMENT_PURGED', message, 409, ['id']);
    }
    await manager.query('/* experiment.restore */ UPDATE experiment SET deleted_at = NULL WHERE id = $1', [
      uuid,
    ]);
    await hint(manager, EXPERIMENT_TOPIC, uuid);
  });

/** SQL: an unfinished job that trains or evaluates `experiment`, or reads its weights. $1: its project. */
export const BUSY = (experiment: string): string =>
  `SELECT j.kind FROM job j WHERE j.project_id = $1 AND j.state <> ALL ('{${FINAL.join(',')}}')
     AND (j.experiment_id = ${experiment} OR j.input->>'experimentUuid' = ${experiment}::text
       OR j.evaluation_id IN (SELECT id FROM evaluation WHERE experiment_id = ${experiment}))`;

async function refuseIfUsed(manager: EntityManager, projectUuid: string, uuid: string): Promise<void> {
  const [used]: [{ job: string | null; version: string | null; fork: string | null; sweep: string | null }] =
    await manager.query(
      `/* experiment.used */ SELECT (${BUSY('$2')} LIMIT 1) AS job,
         (SELECT format('%s, version %s', m.name, v.number) FROM model_version v JOIN model m ON m.id = v.model_id
          WHERE v.experiment_id = $2 ORDER BY v.number LIMIT 1) AS version,
         (SELECT name FROM experiment WHERE parent_id = $2 AND deleted_at IS NULL ORDER BY id LIMIT 1) AS fork,
         (SELECT s.name FROM sweep_trial t JOIN sweep s ON s.id = t.sweep_id
          WHERE t.experiment_id = $2 AND s.state IN ('RUNNING', 'CANCELLING')) AS sweep`,
      [projectUuid, uuid],
    );
  const refused = (code: string, message: string) => new ShingoError(code, message, 409, ['id']);
  if (used.job) throw refused('EXPERIMENT_BUSY', `Its job ${used.job} is not over: cancel it first.`);
  if (used.sweep)
    throw refused('EXPERIMENT_BUSY', `It is a trial of the sweep ${used.sweep}, which is not over.`);
  if (used.version) throw refused('EXPERIMENT_IN_USE', `The model ${used.version} stands on it.`);
  if (used.fork)
    throw refused(
      'EXPERIMENT_IN_USE',
      `The experiment ${used.fork} began with its weights: delete that first.`,
    );
}
