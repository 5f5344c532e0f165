/** A disk without room under the blob store, a real one of 8 MB: what does not fit is refused whole, and goes on when there is room. */
import { randomBytes, randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { retryJob } from '../../src/jobs/retryJob.js';
import { FolderBlobs } from '../../src/platform/blobs/folder.js';
import { sha256, startTestService } from '../support/service.js';
import { curveOf } from './whatIsThere.js';
import { createWorld } from './world.js';

const ROOM = '8m';
const root = mkdtempSync(join(tmpdir(), 'shingo-full-'));
const disk = join(root, 'disk');
const filler = join(disk, 'filler');
mkdirSync(disk);

/** Null: it can be mounted here. */
const refusal = (() => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'tmpfs', disk], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
})();
const withDisk = refusal === null ? describe : describe.skip;

afterAll(() => {
  if (refusal === null) execFileSync('umount', [disk]);
  rmSync(root, { recursive: true, force: true });
});

/** To the last byte. */
function fill(): void {
  for (let bytes = 1 << 20; bytes >= 1; bytes = bytes >> 1)
    for (;;)
      try {
        writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
        break;
      }
}
const free = () => rm(filler);
/** Without the marks that say what the folder is. */
const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter(
    (one) => one.isFile() && !one.name.startsWith('.shingo-'),
  ).length;

withDisk(`a full disk${refusal === null ? '' : ` (skipped: ${refusal})`}`, () => {
  it('refuses a picture with 507, keeps nothing of it, and takes it when there is room', async () => {
    const blobs = join(disk, 'pictures');
    const service = await startTestService({ env: { SHINGO_BLOB_URL: blobs } });
    try {
      const noise = await sharp(randomBytes(300 * 300 * 3), { raw: { width: 300, height: 300, channels: 3 } })
        .png()
        .toBuffer();
      const before = await filesIn(blobs);
      fill();
      const answer = await service.put(noise, sha256(noise), 'image/png');
      expect([answer.status, await answer.json()]).toMatchObject([507, { code: 'BLOB_STORE_FULL' }]);
      expect(await filesIn(blobs)).toBe(before);
      expect(await service.db.query('SELECT FROM picture')).toEqual([]);
      await free();
      expect((await service.put(noise, sha256(noise), 'image/png')).status).toBe(201);
    } finally {
      await service.stop();
    }
  });

  it('fails a training that cannot keep its state, which goes on from its last one when there is room', async () => {
    const world = await createWorld();
    try {
      // The world's own services, with this disk below them.
      const blobs = new FolderBlobs(join(disk, 'training'));
      await blobs.check();
      Object.assign(world.services, { blobs });
      const gate = { epoch: 3, file: join(world.dataDir, 'gate') };
      await world.worker({ gate });
      const parameters = { epochs: 5 };
      const job = await world.train({ parameters });
      await world.until(job.uuid, ({ epoch }) => epoch === 2);
      fill();
      await writeFile(gate.file, '');
      expect(await world.until(job.uuid)).toMatchObject({
        state: 'FAILED',
        reason: { code: 'BLOB_STORE_FULL' },
      });
      const [row] = await world.db.query('SELECT checkpoint FROM job WHERE id = $1', [job.uuid]);
      expect(row.checkpoint).toMatchObject({ epoch: 2 });
      await free();
      await retryJob(world.services, job.uuid, randomUUID());
      expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED' });
      const undisturbed = await world.train({ parameters });
      await world.until(undisturbed.uuid);
      expect(await curveOf(world, job.experimentUuid)).toEqual(
        await curveOf(world, undisturbed.experimentUuid),
      );
    } finally {
      await world.stop();
    }
  });
});
