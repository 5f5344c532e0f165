/** Rows of every kind that refers to a blob. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DataSource } from 'typeorm';
import type { BlobStore } from '../../../src/platform/blobs.js';
import { insertExperiment } from '../../../src/experiments/experimentService.js';
import { newId } from '../../../src/platform/ids.js';
import type { REFERENCES } from '../../../src/retention/references.js';
import { insertModel, insertProject, insertVersion } from '../../faults/world.js';

export const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
export const randomDigest = () => randomBytes(32).toString('hex');

/** Returns the digest. */
export async function store(blobs: BlobStore, bytes: Buffer = randomBytes(20)): Promise<string> {
  return (await blobs.receive(Readable.from([bytes]), { maxBytes: 1000 })).sha256;
}

export type Column = keyof typeof REFERENCES;

/** By column: makes a row that refers to the blob. */
export type Writers = Record<Column, (sha256: string) => Promise<void>>;

export async function createWriters(db: DataSource): Promise<Writers & { project: string }> {
  const project = await insertProject(db);
  const model = await insertModel(db, project);
  const version = await insertVersion(db, project, []);
  const experiment = await insertExperiment(db.manager, {
    parentUuid: null,
    ...{ projectUuid: project, modelUuid: model, datasetVersionUuid: version, name: 'e' },
    ...{ task: 'LIGHT_STATE', algorithm: 'scripted', parameters: {} },
  });
  const insertJob = async (columns: { input?: object; checkpoint?: object }) => {
    const uuid = newId();
    await db.query(
      `INSERT INTO job (id, project_id, kind, state, seq, input, checkpoint)
       VALUES ($1, $2, 'IMPORT', 'SUCCEEDED', 1, $3, $4)`,
      [uuid, project, columns.input ?? {}, columns.checkpoint ?? null],
    );
    return uuid;
  };
  const job = await insertJob({});
  let made = 0;
  return {
    project,
    'picture.sha256': (sha256) =>
      db.query(
        `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
         VALUES ($1, 'image/png', 1, 8, 8, 0.5, 0.5)`,
        [sha256],
      ),
    'artifact.sha256': (sha256) =>
      db.query(
        `INSERT INTO artifact (id, experiment_id, path, kind, sha256, bytes, media_type)
         VALUES ($1, $2, $3, 'MODEL', $4, 1, 'text/plain')`,
        [newId(), experiment, `${(made += 1)}`, sha256],
      ),
    'upload.sha256': (sha256) => insertUpload(db, project, sha256),
    'job_file.sha256': (sha256) =>
      db.query(
        `INSERT INTO job_file (job_id, name, sha256, bytes, media_type) VALUES ($1, $2, $3, 1, 'text/plain')`,
        [job, `${(made += 1)}`, sha256],
      ),
    'model_version.artifact_sha256': (sha256) =>
      db.query(
        `INSERT INTO model_version (id, model_id, number, task, classes, description, artifact_sha256, artifact_name,
           artifact_media_type, artifact_bytes, created_by, idempotency_key, request_hash)
         VALUES ($1, $2, $3, 'LIGHT_STATE', '{RED}', '', $4, 'a', 'text/plain', 1, 'test', $5, 'hash')`,
        [newId(), model, (made += 1), sha256, `${made}`],
      ),
    'job.checkpoint': async (sha256) => {
      const files = { 'optimizer.bin': randomDigest(), [`deep/${(made += 1)}.bin`]: sha256 };
      await insertJob({ checkpoint: { files, epoch: 3 } });
    },
    'job.input': async (sha256) => {
      await insertJob({ input: { sha256, fileName: 'labels.json' } });
    },
  };
}

export async function insertUpload(
  db: DataSource,
  project: string,
  sha256: string,
  { completed = true, hours = 1 } = {},
): Promise<void> {
  await db.query(
    `INSERT INTO upload (id, project_id, file_name, media_type, bytes, sha256, expires_at, completed_at)
     VALUES ($1, $2, 'a', 'text/plain', 1, $3, now() + make_interval(hours => $4), CASE WHEN $5 THEN now() END)`,
    [newId(), project, sha256, hours, completed],
  );
}

/** So that the next begins with none. */
export async function forgetReferences(db: DataSource): Promise<void> {
  for (const table of ['artifact', 'upload', 'job_file', 'model_version', 'blob_removal'])
    await db.query(`DELETE FROM ${table}`);
  await db.query(
    'DELETE FROM picture WHERE NOT EXISTS (SELECT FROM image i WHERE i.sha256 = picture.sha256)',
  );
  await db.query("UPDATE job SET checkpoint = NULL, input = '{}'");
}
