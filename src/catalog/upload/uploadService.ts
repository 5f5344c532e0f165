/**
 * Uploads: announced by a row, sent to a signed address, taken into the blob store when the digest is right.
 *
 * A crash leaves one of these, and each is mended: a row without a file (nothing has arrived: the client begins), a
 * file without a row (the sweep removes it), a blob whose row does not say completed (completeUpload says so).
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { Services } from '../../graphql/context.js';
import { hydrate, columnsOf, selectOne } from '../../graphql/select.js';
import { checkDigest } from '../../platform/blobs.js';
import { claimBlobs } from '../../platform/blobs/claim.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { Upload } from './upload.js';

type Needed = Pick<Services, 'db' | 'blobs' | 'partials' | 'config'>;

export interface NewUpload {
  fileName: string;
  mediaType: string;
  bytes: number;
  sha256: string;
  idempotencyKey?: string | null;
}

/**
 * Announces a file. The same key and the same file give the upload that is there already, and it goes on.
 * @throws ShingoError BAD_USER_INPUT, SHA256_INVALID, FILE_TOO_LARGE, TOO_MANY_UPLOADS, STORAGE_FULL, CONFLICT
 */
export async function createUpload(services: Needed, projectUuid: string, input: NewUpload): Promise<Upload> {
  const { db, blobs, partials, config } = services;
  check(services, input);
  // Before a row is held: a store that is slow to answer must hold up nobody else.
  const isRoom = (await blobs.has(input.sha256)) || (await partials.free()) >= input.bytes;
  return db.transaction(async (manager) => {
    // Whoever announces one for the project holds its row: neither a key nor the limit is passed twice.
    await manager.query('/* upload.project */ SELECT 1 FROM project WHERE id = $1 FOR NO KEY UPDATE', [
      projectUuid,
    ]);
    const known = await uploadOfKey(manager, projectUuid, input.idempotencyKey ?? null);
    if (known && (await isAlive(services, known))) {
      checkSame(known.upload, input);
      return known.upload;
    }
    if (known)
      await manager.query('/* upload.forget */ DELETE FROM upload WHERE id = $1', [known.upload.uuid]);
    await checkOpen(manager, projectUuid, config.maxOpenUploads);
    if (!isRoom) {
      throw new ShingoError('STORAGE_FULL', 'The disk of the service has not that much room.', 507, [
        'bytes',
      ]);
    }
    const uuid = newId();
    await manager.query(
      `/* upload.create */ INSERT INTO upload
         (id, project_id, file_name, media_type, bytes, sha256, idempotency_key, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(hours => $8))`,
      [
        uuid,
        projectUuid,
        input.fileName,
        input.mediaType,
        input.bytes,
        input.sha256,
        input.idempotencyKey ?? null,
        config.uploadHours,
      ],
    );
    return (await selectOne(manager, Upload, uuid)) as Upload;
  });
}

function check({ config }: Needed, { bytes, sha256, fileName }: NewUpload): void {
  checkDigest(sha256);
  if (fileName.length < 1 || fileName.length > 500)
    throw new ShingoError('BAD_USER_INPUT', 'A file name has 1 to 500 characters.', 400, ['fileName']);
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new ShingoError('BAD_USER_INPUT', 'A file has a whole number of bytes, at least 1.', 400, [
      'bytes',
    ]);
  if (bytes > config.maxFileBytes) {
    const message = `More than ${config.maxFileBytes} bytes; split it, or raise SHINGO_MAX_FILE_BYTES.`;
    throw new ShingoError('FILE_TOO_LARGE', message, 413, ['bytes']);
  }
}

async function uploadOfKey(
  manager: EntityManager,
  projectUuid: string,
  key: string | null,
): Promise<Found | null> {
  if (key === null) return null;
  const rows: Record<string, unknown>[] = await manager.query(
    `/* upload.byKey */ SELECT ${selected(manager)} FROM upload t WHERE t.project_id = $1 AND t.idempotency_key = $2`,
    [projectUuid, key],
  );
  return rows[0] ? found(manager, rows[0]) : null;
}

/** With whether its time is over: by the clock that has set it, whatever those of the hosts say. */
const selected = (db: DataSource | EntityManager) =>
  `${columnsOf(db, Upload)}, t.expires_at <= clock_timestamp() AS "_over"`;

interface Found {
  upload: Upload;
  over: boolean;
}

const found = (db: DataSource | EntityManager, row: Record<string, unknown>): Found => ({
  upload: hydrate(db, Upload, row),
  over: row._over === true,
});

/** Neither expired nor completed with bytes that have been cleared away since. */
async function isAlive({ blobs }: Needed, { upload, over }: Found): Promise<boolean> {
  return !over && (upload.completedAt === null || (await blobs.has(upload.sha256)));
}

function checkSame(known: Upload, input: NewUpload): void {
  const same =
    known.sha256 === input.sha256 &&
    known.bytes === input.bytes &&
    known.fileName === input.fileName &&
    known.mediaType === input.mediaType;
  if (same) return;
  const message = 'This idempotencyKey has announced another file; take a new key for a new file.';
  throw new ShingoError('CONFLICT', message, 409, ['idempotencyKey']);
}

async function checkOpen(manager: EntityManager, projectUuid: string, limit: number): Promise<void> {
  const rows: { open: string }[] = await manager.query(
    `/* upload.open */ SELECT count(*) AS open FROM upload
     WHERE project_id = $1 AND completed_at IS NULL AND expires_at > now()`,
    [projectUuid],
  );
  if (Number(rows[0]?.open) < limit) return;
  throw new ShingoError(
    'TOO_MANY_UPLOADS',
    `The project has ${limit} files under way; complete or DELETE one first.`,
    429,
  );
}

/** Bytes that the service has. All of them where the store has had the file before: then there is nothing to send. */
export async function receivedBytes(
  { blobs, partials }: Pick<Services, 'blobs' | 'partials'>,
  upload: Upload,
): Promise<number> {
  if (upload.completedAt !== null || (await blobs.has(upload.sha256))) return upload.bytes;
  return partials.size(upload.uuid);
}

/**
 * Takes the whole file into the blob store. Doing it again changes nothing.
 * @throws ShingoError NOT_FOUND, UPLOAD_EXPIRED, UPLOAD_INCOMPLETE, SHA256_MISMATCH (then what had arrived is gone),
 *   BLOB_BEING_REMOVED, BLOB_MISSING (then it was removed a moment ago)
 */
export async function completeUpload(services: Needed, uuid: string): Promise<Upload> {
  const upload = await findUpload(services.db, uuid);
  if (upload.completedAt !== null) return upload;
  await takeIn(services, upload);
  await services.db.transaction(async (manager) => {
    await claimBlobs(manager, services.blobs, [upload.sha256]);
    await manager.query(
      `/* upload.complete */ UPDATE upload SET completed_at = now(), expires_at = now() + make_interval(hours => $2)
     WHERE id = $1 AND completed_at IS NULL`,
      [uuid, services.config.uploadHours],
    );
  });
  return findUpload(services.db, uuid);
}

const underWay = new Map<string, Promise<void>>();

/** Reading 20 GiB takes a while: a client that lost patience and asks again waits for the same reading. */
function takeIn(services: Needed, upload: Upload): Promise<void> {
  let taking = underWay.get(upload.uuid);
  if (!taking) {
    taking = takeFile(services, upload).finally(() => underWay.delete(upload.uuid));
    underWay.set(upload.uuid, taking);
  }
  return taking;
}

async function takeFile({ blobs, partials }: Needed, { uuid, bytes, sha256 }: Upload): Promise<void> {
  await partials.alone(uuid, async () => {
    if (await blobs.has(sha256)) return partials.remove(uuid);
    const size = await partials.size(uuid);
    if (size !== bytes) {
      const message = `${size} of ${bytes} bytes have arrived; send the rest first.`;
      throw new ShingoError('UPLOAD_INCOMPLETE', message, 409);
    }
    try {
      await partials.takeInto(blobs, uuid, sha256);
    } catch (error) {
      // Bytes that can never be the file's go; whatever else went wrong, they are good for another try.
      if (!(error instanceof ShingoError && error.code === 'SHA256_MISMATCH')) throw error;
      await partials.remove(uuid);
      throw new ShingoError(error.code, `${error.message} Nothing was kept; send the file again.`, 422);
    }
  });
}

/** @throws ShingoError NOT_FOUND, UPLOAD_EXPIRED */
export async function findUpload(db: DataSource | EntityManager, uuid: string): Promise<Upload> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* upload.byId */ SELECT ${selected(db)} FROM upload t WHERE t.id = $1`,
    [uuid],
  );
  if (!rows[0]) throw new ShingoError('NOT_FOUND', 'There is no such upload.', 404, ['uploadId']);
  const { upload, over } = found(db, rows[0]);
  if (over) throw new ShingoError('UPLOAD_EXPIRED', 'The time for this upload is over; create another.', 410);
  return upload;
}

/**
 * A file that has arrived in full, for whoever reads it: its bytes are the blob `sha256`. They stay as long as the
 * upload does; what needs them for longer keeps a row of its own that names the blob.
 * @throws ShingoError NOT_FOUND, UPLOAD_EXPIRED, OTHER_PROJECT, UPLOAD_INCOMPLETE
 */
export async function uploadedFile(
  db: DataSource | EntityManager,
  projectUuid: string,
  uploadUuid: string,
): Promise<Upload> {
  const upload = await findUpload(db, uploadUuid);
  if (upload.projectUuid !== projectUuid)
    throw new ShingoError('OTHER_PROJECT', 'This upload belongs to another project.', 409, ['uploadId']);
  if (upload.completedAt === null)
    throw new ShingoError('UPLOAD_INCOMPLETE', 'Call completeUpload first.', 409, ['uploadId']);
  return upload;
}

/** Forgets an upload that is not complete, and what has arrived of it. */
export async function abandonUpload({ db, partials }: Needed, uuid: string): Promise<void> {
  await partials.alone(uuid, async () => {
    await db.query('/* upload.abandon */ DELETE FROM upload WHERE id = $1 AND completed_at IS NULL', [uuid]);
    await partials.remove(uuid);
  });
}
