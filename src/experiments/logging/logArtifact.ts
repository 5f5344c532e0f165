import type { DataSource } from 'typeorm';
import { uploadedFile } from '../../catalog/upload/uploadService.js';
import type { BlobStore } from '../../platform/blobs.js';
import { ShingoError } from '../../platform/error.js';
import { putArtifacts } from '../outcome.js';
import { batchOf, findTarget, lockOpen, logOnce, type Span } from './batch.js';

export interface GivenArtifact {
  path: string;
  kind: string;
  /** Missing: that of the upload, or application/octet-stream. */
  mediaType: string | null;
  /** One of the two. */
  uploadUuid: string | null;
  sha256: string | null;
}

const MEDIA_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}$/;

/**
 * A file whose bytes are here already. A path that was logged before, such as that of the newest checkpoint, names
 * these bytes from now on.
 * @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_LOGGED, EXPERIMENT_ENDED, CONFLICT, BLOB_MISSING, SHA256_INVALID,
 *   BLOB_BEING_REMOVED, BAD_USER_INPUT, OTHER_PROJECT, UPLOAD_INCOMPLETE, UPLOAD_EXPIRED
 */
export async function logArtifact(
  { db, blobs }: { db: DataSource; blobs: BlobStore },
  experimentUuid: string,
  batchId: string,
  given: GivenArtifact,
): Promise<Span> {
  const { path, kind } = given;
  check(given);
  const batch = batchOf(batchId, 'ARTIFACT', path, kind, given.mediaType, given.uploadUuid, given.sha256);
  const target = await findTarget(db, experimentUuid, batch);
  // Before its bytes are looked for: what is done stays done when the upload has been forgotten.
  if (target.done) return target.done;
  const file = await fileOf(db, blobs, target.projectUuid, given);
  return logOnce(db, target, batch, async (manager) => {
    await lockOpen(manager, experimentUuid);
    await putArtifacts(manager, blobs, experimentUuid, [{ path, kind, ...file }]);
  });
}

async function fileOf(
  db: DataSource,
  blobs: BlobStore,
  projectUuid: string,
  { uploadUuid, sha256, mediaType }: GivenArtifact,
): Promise<{ sha256: string; bytes: number; mediaType: string }> {
  if (uploadUuid !== null) {
    const upload = await uploadedFile(db, projectUuid, uploadUuid);
    return { sha256: upload.sha256, bytes: upload.bytes, mediaType: mediaType ?? upload.mediaType };
  }
  const named = sha256 ?? '';
  if (!(await blobs.has(named))) {
    const message = 'The service has no file of this sha256; send it by createUpload and give the uploadId.';
    throw new ShingoError('BLOB_MISSING', message, 409, ['sha256']);
  }
  return {
    sha256: named,
    bytes: await blobs.size(named),
    mediaType: mediaType ?? 'application/octet-stream',
  };
}

function check({ path, kind, mediaType, uploadUuid, sha256 }: GivenArtifact): void {
  const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  const parts = path.split('/');
  if (path.length > 500 || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw bad('path', 'A path has 1 to 500 characters, is relative and has no empty part, no . and no ..');
  if (/[\0-\x1f\\]/.test(path)) throw bad('path', 'A path has forward slashes and no control characters.');
  if (kind.trim() === '' || kind.length > 100) throw bad('kind', 'A kind has 1 to 100 characters.');
  if ((uploadUuid === null) === (sha256 === null))
    throw bad('uploadId', 'Give uploadId or sha256 of the file, one of the two.');
  if (mediaType !== null && !MEDIA_TYPE.test(mediaType))
    throw bad('mediaType', 'A media type looks like application/json.');
}
