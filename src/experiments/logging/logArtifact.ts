import type { DataSource } from 'typeorm';
import type { BlobStore } from '../../platform/blobs.js';
import { ShingoError } from '../../platform/error.js';
import { putArtifacts } from '../outcome.js';
import { batchOf, findTarget, lockOpen, logOnce, type Span } from './batch.js';

export interface GivenArtifact {
  path: string;
  kind: string;
  mediaType: string;
  sha256: string;
}

const MEDIA_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}$/;

/**
 * A file whose bytes are here already. A path that was logged before, such as that of the newest checkpoint, names
 * these bytes from now on.
 * @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_LOGGED, EXPERIMENT_ENDED, CONFLICT, BLOB_MISSING, SHA256_INVALID,
 *   BAD_USER_INPUT
 */
export async function logArtifact(
  { db, blobs }: { db: DataSource; blobs: BlobStore },
  experimentUuid: string,
  batchId: string,
  { path, kind, mediaType, sha256 }: GivenArtifact,
): Promise<Span> {
  check(path, kind, mediaType);
  const batch = batchOf(batchId, 'ARTIFACT', path, kind, mediaType, sha256);
  const target = await findTarget(db, experimentUuid, batch);
  if (!(await blobs.has(sha256))) {
    const message = `The bytes are not here yet: PUT them to /blobs/${sha256} first.`;
    throw new ShingoError('BLOB_MISSING', message, 409, ['sha256']);
  }
  const bytes = await blobs.size(sha256);
  return logOnce(db, target, batch, async (manager) => {
    await lockOpen(manager, experimentUuid);
    await putArtifacts(manager, experimentUuid, [{ path, kind, sha256, bytes, mediaType }]);
  });
}

function check(path: string, kind: string, mediaType: string): void {
  const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  const parts = path.split('/');
  if (path.length > 500 || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw bad('path', 'A path has 1 to 500 characters, is relative and has no empty part, no . and no ..');
  if (/[\0-\x1f\\]/.test(path)) throw bad('path', 'A path has forward slashes and no control characters.');
  if (kind.trim() === '' || kind.length > 100) throw bad('kind', 'A kind has 1 to 100 characters.');
  if (!MEDIA_TYPE.test(mediaType)) throw bad('mediaType', 'A media type looks like application/json.');
}
