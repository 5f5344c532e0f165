import { createHash } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask } from '../../catalog/vocabulary.js';
import { selectOne } from '../../graphql/select.js';
import { JobState } from '../../jobs/vocabulary.js';
import { ShingoError } from '../../platform/error.js';
import { appendEvents } from '../events/log.js';
import { Experiment } from '../experiment.js';
import { deleted, freeName, insertExperiment } from '../experimentService.js';
import { readParameters, type GivenParameter } from './parameters.js';

export interface NewLogged {
  projectUuid: string;
  modelUuid: string;
  datasetVersionUuid: string | null;
  parentUuid: string | null;
  name: string | null;
  task: LearningTask;
  algorithm: string;
  engine: string | null;
  codeVersion: string | null;
  parameters: readonly GivenParameter[];
  /** Missing: the name stands for it. */
  idempotencyKey: string | null;
}

/**
 * Made once per key, or per name where there is no key; RUNNING from now on.
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND, OTHER_PROJECT, NAME_TAKEN, CONFLICT
 */
export async function createExperiment(db: DataSource, given: NewLogged): Promise<Experiment> {
  check(given);
  const parameters = readParameters(given.parameters);
  const { idempotencyKey, projectUuid, ...content } = given;
  const requestHash = createHash('sha256')
    .update(JSON.stringify({ ...content, parameters }))
    .digest('hex');
  await checkProject(db, given);
  const uuid = await db.transaction(async (manager) => {
    // Whoever makes an experiment of a project holds its row: of 50 who race with one key one makes it.
    await manager.query('/* experiment.maker */ SELECT 1 FROM project WHERE id = $1 FOR NO KEY UPDATE', [
      projectUuid,
    ]);
    const known = await knownExperiment(manager, given, requestHash);
    if (known) return known;
    const name = given.name ?? (await freeName(manager, projectUuid, given.algorithm));
    const made = await insertExperiment(manager, {
      ...{ ...content, projectUuid, name, parameters },
      logged: { requestHash, idempotencyKey, codeVersion: given.codeVersion, engine: given.engine },
    });
    await appendEvents(manager, made, [{ kind: 'STATUS', state: JobState.RUNNING, reason: null }]);
    return made;
  });
  return (await selectOne(db, Experiment, uuid)) as Experiment;
}

function check({ name, algorithm, engine, codeVersion, idempotencyKey }: NewLogged): void {
  const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  if (name === null && idempotencyKey === null)
    throw bad('name', 'Give a name or an idempotencyKey: without either a retry cannot be told.');
  for (const [field, text] of Object.entries({ name, algorithm, engine, codeVersion, idempotencyKey })) {
    if (text !== null && (text.trim() === '' || text.length > 200))
      throw bad(field, `${field} has 1 to 200 characters.`);
  }
}

/** @throws ShingoError NOT_FOUND, OTHER_PROJECT */
async function checkProject(
  db: DataSource,
  { projectUuid, datasetVersionUuid, parentUuid }: NewLogged,
): Promise<void> {
  const rows: { field: string; project_id: string | null }[] = await db.query(
    `/* logging.subjects */ SELECT 'datasetVersionId' AS field, (SELECT d.project_id FROM dataset_version v
       JOIN dataset d ON d.id = v.dataset_id WHERE v.id = $1) AS project_id WHERE $1::uuid IS NOT NULL
     UNION ALL SELECT 'parentId', (SELECT project_id FROM experiment WHERE id = $2) WHERE $2::uuid IS NOT NULL`,
    [datasetVersionUuid, parentUuid],
  );
  for (const { field, project_id } of rows) {
    if (project_id === null) throw new ShingoError('NOT_FOUND', `${field} names nothing.`, 404, [field]);
    if (project_id === projectUuid) continue;
    throw new ShingoError('OTHER_PROJECT', `${field} names something of another project.`, 409, [field]);
  }
}

/** What an equal request has made. @throws ShingoError CONFLICT, NAME_TAKEN */
async function knownExperiment(
  manager: EntityManager,
  { projectUuid, name, idempotencyKey }: NewLogged,
  requestHash: string,
): Promise<string | null> {
  const rows: { id: string; request_hash: string | null; by_key: boolean; deleted_at: Date | null }[] =
    await manager.query(
      `/* logging.known */ SELECT id, request_hash, coalesce(idempotency_key = $2, false) AS by_key, deleted_at FROM experiment
     WHERE project_id = $1 AND (idempotency_key = $2 OR name = $3) ORDER BY by_key DESC`,
      [projectUuid, idempotencyKey, name],
    );
  const [row] = rows;
  if (!row) return null;
  if (idempotencyKey !== null && !row.by_key) {
    const message = `The project has an experiment named ${JSON.stringify(name)} already, or had one that is deleted and not yet purged.`;
    throw new ShingoError('NAME_TAKEN', message, 409, ['name']);
  }
  if (row.request_hash === requestHash) {
    if (row.deleted_at) throw deleted(row.deleted_at, ['name']);
    return row.id;
  }
  if (idempotencyKey !== null) {
    const message = 'This idempotencyKey has made another experiment; take a new key for a new one.';
    throw new ShingoError('CONFLICT', message, 409, ['idempotencyKey']);
  }
  const message = `The project has another experiment named ${JSON.stringify(name)} already: take another name, or send what you sent when you made it.`;
  throw new ShingoError('NAME_TAKEN', message, 409, ['name']);
}
