/** Model versions: numbered within their model, made once however often they are asked for, never changed. */
import type { DataSource, EntityManager } from 'typeorm';
import type { Services } from '../../graphql/context.js';
import { columnsOf, hydrate, selectOne } from '../../graphql/select.js';
import { claimBlobs } from '../../platform/blobs/claim.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { Model } from '../model/model.js';
import { ofExperiment, type ExperimentVersion } from './ofExperiment.js';
import { ofElsewhere, type ElsewhereVersion } from './ofElsewhere.js';
import { ModelVersion } from './version.js';

type Db = DataSource | EntityManager;

/** What decides whether two requests are the same one. */
export interface Draft {
  task: string;
  classes: string[];
  experimentUuid: string | null;
  /** Null: not said. */
  description: string | null;
  framework: string | null;
  codeVersion: string | null;
  /** The data set version that what was made elsewhere was trained on. */
  trainedOnUuid: string | null;
  artifact: { sha256: string; name: string; mediaType: string; bytes: number } | null;
  idempotencyKey: string | null;
  hash: string;
}

export type NewVersion = { modelUuid: string } & (ExperimentVersion | ElsewhereVersion);

/**
 * Once per model and experiment, or per model and idempotencyKey.
 * @param actor who asks; see graphql/auth.ts
 * @throws ShingoError NOT_FOUND, OTHER_PROJECT, EXPERIMENT_NOT_TRAINED, BAD_USER_INPUT, BLOB_MISSING, SHA256_INVALID,
 *   BLOB_BEING_REMOVED, UPLOAD_INCOMPLETE, UPLOAD_EXPIRED, CONFLICT
 */
export async function createModelVersion(
  { db, blobs }: Pick<Services, 'db' | 'blobs'>,
  actor: string,
  input: NewVersion,
): Promise<ModelVersion> {
  const model = await findModel(db, input.modelUuid);
  const draft =
    'experimentUuid' in input
      ? await ofExperiment(db, model, input)
      : await ofElsewhere(db, blobs, model, input);
  return db.transaction(async (manager) => {
    await lockModel(manager, model.uuid);
    const known = await versionOf(manager, model.uuid, draft);
    if (known) return known;
    await claimBlobs(manager, blobs, draft.artifact ? [draft.artifact.sha256] : []);
    return insertVersion(manager, model.uuid, actor, draft);
  });
}

/** @throws ShingoError NOT_FOUND */
export async function findModel(db: Db, uuid: string): Promise<Model> {
  const model = await selectOne(db, Model, uuid);
  if (model) return model;
  throw new ShingoError('NOT_FOUND', 'There is no such model.', 404, ['modelId']);
}

/** @throws ShingoError NOT_FOUND */
export async function findModelVersion(
  db: Db,
  uuid: string,
  field = 'modelVersionId',
): Promise<ModelVersion & { projectUuid: string }> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* modelVersion.find */ SELECT ${columnsOf(db, ModelVersion)}, m.project_id AS "_project" FROM model_version t
     JOIN model m ON m.id = t.model_id WHERE t.id = $1`,
    [uuid],
  );
  if (rows[0])
    return Object.assign(hydrate(db, ModelVersion, rows[0]), { projectUuid: rows[0]._project as string });
  throw new ShingoError('NOT_FOUND', 'There is no such model version.', 404, [field]);
}

/** Whoever numbers a version or moves an alias of a model holds its row: numbers have no gap and no twin. */
export async function lockModel(manager: EntityManager, uuid: string): Promise<void> {
  await manager.query('/* model.lock */ SELECT 1 FROM model WHERE id = $1 FOR NO KEY UPDATE', [uuid]);
}

/** @throws ShingoError CONFLICT */
async function versionOf(
  manager: EntityManager,
  modelUuid: string,
  draft: Draft,
): Promise<ModelVersion | null> {
  const rows: ({ request_hash: string } & Record<string, unknown>)[] = await manager.query(
    `/* modelVersion.known */ SELECT ${columnsOf(manager, ModelVersion)}, t.request_hash FROM model_version t
     WHERE t.model_id = $1 AND (t.experiment_id = $2 OR t.idempotency_key = $3)`,
    [modelUuid, draft.experimentUuid, draft.idempotencyKey],
  );
  const [row] = rows;
  if (!row) return null;
  const version = hydrate(manager, ModelVersion, row);
  // Whoever registers an experiment and says nothing of it means the version that is there.
  const silent = draft.experimentUuid !== null && draft.description === null;
  if (silent || row.request_hash === draft.hash) return version;
  const message = draft.experimentUuid
    ? `This experiment is version ${version.number} already, with another description; versions do not change.`
    : `This idempotencyKey has made version ${version.number} of something else; take a new key.`;
  const field = draft.experimentUuid ? 'description' : 'idempotencyKey';
  throw new ShingoError('CONFLICT', message, 409, [field]);
}

async function insertVersion(
  manager: EntityManager,
  modelUuid: string,
  actor: string,
  draft: Draft,
): Promise<ModelVersion> {
  const uuid = newId();
  const { artifact } = draft;
  await manager.query(
    `/* modelVersion.create */ INSERT INTO model_version (id, model_id, number, task, classes, experiment_id, description,
       framework, code_version, artifact_sha256, artifact_name, artifact_media_type, artifact_bytes, created_by,
       idempotency_key, request_hash, trained_on_id)
     SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
     FROM model_version WHERE model_id = $2`,
    [
      ...[uuid, modelUuid, draft.task, draft.classes, draft.experimentUuid, draft.description ?? ''],
      ...[draft.framework, draft.codeVersion],
      ...[artifact?.sha256, artifact?.name, artifact?.mediaType, artifact?.bytes].map((one) => one ?? null),
      ...[actor, draft.idempotencyKey, draft.hash, draft.trainedOnUuid],
    ],
  );
  return (await selectOne(manager, ModelVersion, uuid)) as ModelVersion;
}
