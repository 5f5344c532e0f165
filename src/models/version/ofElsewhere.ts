/** A version that was made elsewhere: what it is, is what is said of it. */
import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { uploadedFile } from '../../catalog/upload/uploadService.js';
import type { BlobStore } from '../../platform/blobs.js';
import { ShingoError } from '../../platform/error.js';
import type { Model } from '../model/model.js';
import type { LearningTask } from '../../catalog/vocabulary.js';
import type { Draft } from './versionService.js';

export interface NewArtifact {
  /** One of the two. */
  uploadUuid?: string | null;
  sha256?: string | null;
  /** Of an upload: its own, if none is given. */
  name?: string | null;
}

export interface ElsewhereVersion {
  task: LearningTask;
  classes: string[];
  description?: string | null;
  framework?: string | null;
  codeVersion?: string | null;
  /** A data set version whose training split it has seen. */
  trainedOnUuid?: string | null;
  artifact?: NewArtifact | null;
  idempotencyKey: string;
}

export const hashOf = (content: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex');

const MAX_CLASSES = 100;

/** @throws ShingoError BAD_USER_INPUT, NOT_FOUND, OTHER_PROJECT, BLOB_MISSING, SHA256_INVALID, and those of uploadedFile */
export async function ofElsewhere(
  db: DataSource,
  blobs: BlobStore,
  model: Model,
  input: ElsewhereVersion,
): Promise<Draft> {
  check(input);
  const { task, classes, description = null, framework = null, codeVersion = null, idempotencyKey } = input;
  const { trainedOnUuid = null } = input;
  if (trainedOnUuid !== null) await requireDatasetVersion(db, trainedOnUuid, model);
  const artifact = input.artifact ? await artifactOf(db, blobs, model.projectUuid, input.artifact) : null;
  const content = { task, classes, description, framework, codeVersion, artifact };
  const hash = hashOf([content, ...(trainedOnUuid === null ? [] : [trainedOnUuid])]);
  return { ...content, experimentUuid: null, idempotencyKey, trainedOnUuid, hash };
}

async function requireDatasetVersion(db: DataSource, uuid: string, model: Model): Promise<void> {
  const rows: { project_id: string }[] = await db.query(
    `/* modelVersion.trainedOn */ SELECT d.project_id FROM dataset_version v JOIN dataset d ON d.id = v.dataset_id
     WHERE v.id = $1`,
    [uuid],
  );
  const field = ['trainedOnId'];
  if (!rows[0]) throw new ShingoError('NOT_FOUND', 'There is no such data set version.', 404, field);
  if (rows[0].project_id !== model.projectUuid)
    throw new ShingoError('OTHER_PROJECT', 'This data set version belongs to another project.', 409, field);
}

function check({ classes, idempotencyKey, ...texts }: ElsewhereVersion): void {
  const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  const short = (text: string, most: number) => text.trim().length > 0 && text.length <= most;
  if (!short(idempotencyKey, 200)) throw bad('idempotencyKey', 'idempotencyKey has 1 to 200 characters.');
  if (
    classes.length < 1 ||
    classes.length > MAX_CLASSES ||
    new Set(classes).size < classes.length ||
    !classes.every((name) => short(name, 100))
  ) {
    throw bad('classes', `1 to ${MAX_CLASSES} classes of 1 to 100 characters, each once.`);
  }
  for (const name of ['framework', 'codeVersion'] as const) {
    if (texts[name] != null && !short(texts[name], 200)) throw bad(name, `${name} has 1 to 200 characters.`);
  }
}

async function artifactOf(
  db: DataSource,
  blobs: BlobStore,
  projectUuid: string,
  { uploadUuid = null, sha256 = null, name = null }: NewArtifact,
): Promise<NonNullable<Draft['artifact']>> {
  const bad = (message: string) => new ShingoError('BAD_USER_INPUT', message, 400, ['artifact']);
  if (name !== null && (name.length < 1 || name.length > 500)) throw bad('A name has 1 to 500 characters.');
  if (uploadUuid !== null && sha256 === null) {
    const upload = await uploadedFile(db, projectUuid, uploadUuid);
    return {
      sha256: upload.sha256,
      name: name ?? upload.fileName,
      mediaType: upload.mediaType,
      bytes: upload.bytes,
    };
  }
  if (sha256 === null || uploadUuid !== null)
    throw bad('Give uploadId or sha256 of the file, one of the two.');
  if (!(await blobs.has(sha256))) {
    const message = 'The service has no file of this sha256; send it by createUpload and give the uploadId.';
    throw new ShingoError('BLOB_MISSING', message, 409, ['artifact', 'sha256']);
  }
  const mediaType = 'application/octet-stream';
  return { sha256, name: name ?? sha256.slice(0, 12), mediaType, bytes: await blobs.size(sha256) };
}
