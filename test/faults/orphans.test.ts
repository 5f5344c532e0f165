/** kill -9 in the middle of a collection: it goes on, and neither a blob in use nor one that is sent again is lost. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JobKind } from '../../src/jobs/vocabulary.js';
import { startTask } from '../../src/jobs/start/startTask.js';
import { claimBlobs } from '../../src/platform/blobs/claim.js';
import { oldBlob } from './kinds.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

const REAL = new URL('../../src/jobs/task/taskProcess.js', import.meta.url).href;
const FOLDER = new URL('../../src/platform/blobs/folder.js', import.meta.url).href;
const BLOBS = 40;
const REMOVED_FIRST = 12;

/** The real process, whose first attempt is killed once it has removed so many. */
const DYING = `import { FolderBlobs } from ${JSON.stringify(FOLDER)};
process.once('message', async (command) => {
  if (command.attempt === 1) {
    const { remove } = FolderBlobs.prototype;
    let removed = 0;
    let last = Promise.resolve();
    // One after another: those that it has begun with are done.
    FolderBlobs.prototype.remove = function (sha256) {
      last = last.then(async () => {
        if (removed === ${REMOVED_FIRST}) process.kill(process.pid, 'SIGKILL');
        await remove.call(this, sha256);
        removed += 1;
      });
      return last;
    };
  }
  await import(${JSON.stringify(REAL)});
  process.emit('message', command);
});`;

const collect = () => {
  const asked = { dryRun: false, graceHours: 24, takeStore: false };
  const kind = JobKind.ORPHANS as const;
  const task = { projectUuid: world.project, kind, asked, idempotencyKey: randomUUID() };
  return startTask(world.services, task, async () => asked);
};
const claim = (sha256: string) =>
  world.db.transaction((manager) => claimBlobs(manager, world.blobs, [sha256]));
const refer = (sha256: string) =>
  world.db.query(
    `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
     VALUES ($1, 'image/png', 1, 8, 8, 0.5, 0.5)`,
    [sha256],
  );

test('what it had marked is refused for two minutes, then kept for who wants it; the rest the next one takes', async () => {
  const used = await oldBlob(world);
  await refer(used);
  const orphans = await Promise.all(Array.from({ length: BLOBS }, () => oldBlob(world)));
  const there = async () => {
    const found = await Promise.all(orphans.map(async (one) => ((await world.blobs.has(one)) ? [one] : [])));
    return found.flat();
  };
  const folder = join(world.dataDir, 'processes');
  await mkdir(folder);
  const taskProcess = join(folder, 'dying.mjs');
  await writeFile(taskProcess, DYING);
  const dying = await world.worker({}, { taskProcess });
  const first = await collect();
  expect(await world.until(first.uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 1 });
  // The second attempt leaves alone what may yet be removed by the first.
  const left = await there();
  expect(left).toHaveLength(BLOBS - REMOVED_FIRST);
  const [wanted] = left;
  await expect(claim(wanted!)).rejects.toMatchObject({ code: 'BLOB_BEING_REMOVED' });
  const gone = orphans.find((one) => !left.includes(one));
  await world.db.query("UPDATE blob_removal SET started_at = started_at - interval '3 minutes'");
  await expect(claim(gone!)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  await claim(wanted!);
  await refer(wanted!);
  await dying.stop();
  await world.worker({});
  const next = await collect();
  const report = { removed: BLOBS - REMOVED_FIRST - 1, bytes: (BLOBS - REMOVED_FIRST - 1) * 100 };
  expect(await world.until(next.uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 1, report });
  expect(await there()).toEqual([wanted]);
  expect(await world.blobs.has(used)).toBe(true);
});
