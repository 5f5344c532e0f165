/** Removing blobs while others store and refer to them: neither a lost blob nor one that is refused for ever. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { chance, intBetween, pick, seededRandom, shuffle, type Random } from '../../../seeds/random.js';
import { claimBlobs, storeAndRefer } from '../../../src/platform/blobs/claim.js';
import { FolderBlobs } from '../../../src/platform/blobs/folder.js';
import { unavailable } from '../../../src/platform/blobs.js';
import { finishRemovals, removeBlobs } from '../../../src/retention/removal.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { createWriters, digestOf as digest, randomDigest, store, type Writers } from './support.js';

let database: TestDatabase;
let folder: string;
let blobs: Gated;
let writers: Writers;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'shingo-removal-'));
  writers = await createWriters(database.db);
});
beforeEach(() => {
  blobs = new Gated(folder);
});
afterAll(async () => {
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A store whose removals wait, where the test has them wait. */
class Gated extends FolderBlobs {
  gate: Promise<void> = Promise.resolve();
  readonly atGate = Promise.withResolvers<void>();
  override async remove(sha256: string): Promise<void> {
    this.atGate.resolve();
    await this.gate;
    await super.remove(sha256);
  }
}

const stores = () => ({ db: database.db, blobs });
const claim = (...digests: string[]) =>
  database.db.transaction((manager) => claimBlobs(manager, blobs, digests));
const marks = (sha256: string) =>
  database.db.query('SELECT removed_at IS NOT NULL AS removed FROM blob_removal WHERE sha256 = $1', [sha256]);
const leaseIsOver = () =>
  database.db.query("UPDATE blob_removal SET started_at = started_at - interval '1 hour'");

test('what nothing refers to goes, the rest stays, and what is not there is not counted', async () => {
  const [kept, gone] = [await store(blobs), await store(blobs, randomBytes(77))];
  await writers['artifact.sha256'](kept);
  const digests = [kept, gone, randomDigest()];
  expect(await removeBlobs(stores(), digests)).toEqual({ blobs: 1, bytes: 77 });
  expect([await blobs.has(kept), await blobs.has(gone)]).toEqual([true, false]);
  expect(await removeBlobs(stores(), digests)).toEqual({ blobs: 0, bytes: 0 });
});

test('what somebody has claimed is passed over until they have committed, and then referred to', async () => {
  const sha256 = await store(blobs);
  await database.db.transaction(async (manager) => {
    await claimBlobs(manager, blobs, [sha256]);
    expect(await removeBlobs(stores(), [sha256])).toEqual({ blobs: 0, bytes: 0 });
    await manager.query(
      `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
       VALUES ($1, 'image/png', 1, 8, 8, 0.5, 0.5)`,
      [sha256],
    );
  });
  expect(await removeBlobs(stores(), [sha256])).toEqual({ blobs: 0, bytes: 0 });
  expect([await blobs.has(sha256), await marks(sha256)]).toEqual([true, []]);
});

test('a claim is refused while the removal is under way, and until the bytes are there again', async () => {
  const bytes = randomBytes(30);
  const sha256 = await store(blobs, bytes);
  const gate = Promise.withResolvers<void>();
  blobs.gate = gate.promise;
  const removing = removeBlobs(stores(), [sha256]);
  await blobs.atGate.promise;
  await expect(claim(sha256)).rejects.toMatchObject({ code: 'BLOB_BEING_REMOVED', httpStatus: 503 });
  // Two collections at a time: the second leaves it to the first.
  expect(await removeBlobs(stores(), [sha256])).toEqual({ blobs: 0, bytes: 0 });
  gate.resolve();
  expect(await removing).toEqual({ blobs: 1, bytes: 30 });
  await expect(claim(sha256)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  await store(blobs, bytes);
  await claim(sha256);
});

test('who has the bytes stores them again, and waits for a removal that is under way', async () => {
  const bytes = randomBytes(31);
  const sha256 = await store(blobs, bytes);
  const gate = Promise.withResolvers<void>();
  blobs.gate = gate.promise;
  const removing = removeBlobs(stores(), [sha256]);
  await blobs.atGate.promise;
  let stored = 0;
  const referring = storeAndRefer(
    async () => {
      stored += 1;
      // Refused once, it lets the removal go on.
      if (stored === 2) gate.resolve();
      return store(blobs, bytes);
    },
    async (digest) => {
      await claim(digest);
      await writers['picture.sha256'](digest);
    },
  );
  expect(await removing).toMatchObject({ blobs: 1 });
  await referring;
  expect(stored).toBeGreaterThan(1);
  expect(await blobs.has(sha256)).toBe(true);
});

test('what is missing for good is not stored for ever', async () => {
  const sha256 = await store(blobs);
  await removeBlobs(stores(), [sha256]);
  let stored = 0;
  const referring = storeAndRefer(
    async () => (stored += 1),
    () => claim(sha256),
  );
  await expect(referring).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  expect(stored).toBe(3);
});

test('a removal that died keeps nobody waiting once its time is over, and the next one goes on', async () => {
  const [sha256, wanted] = [await store(blobs), await store(blobs)];
  const remove = blobs.remove;
  blobs.remove = () => Promise.reject(unavailable('killed'));
  await expect(removeBlobs(stores(), [sha256, wanted])).rejects.toMatchObject({
    code: 'BLOB_STORE_UNAVAILABLE',
  });
  blobs.remove = remove;
  await expect(claim(wanted)).rejects.toMatchObject({ code: 'BLOB_BEING_REMOVED' });
  // Its owner may be alive: nobody else takes it.
  expect(await finishRemovals(stores())).toEqual({ blobs: 0, bytes: 0 });
  await leaseIsOver();
  await claim(wanted);
  await writers['picture.sha256'](wanted);
  expect(await finishRemovals(stores())).toEqual({ blobs: 1, bytes: 20 });
  expect([await blobs.has(sha256), await blobs.has(wanted)]).toEqual([false, true]);
});

test('a removal that was held up removes nothing after its time', async () => {
  const sha256 = await store(blobs);
  const size = blobs.size.bind(blobs);
  const now = performance.now;
  // Between the mark and the removal a minute passes.
  blobs.size = async (digest) => {
    performance.now = () => now.call(performance) + 60_000;
    return size(digest);
  };
  try {
    expect(await removeBlobs(stores(), [sha256])).toEqual({ blobs: 0, bytes: 0 });
  } finally {
    performance.now = now;
  }
  expect([await blobs.has(sha256), await marks(sha256)]).toEqual([true, [{ removed: false }]]);
});

test('marks are forgotten after a day', async () => {
  const sha256 = await store(blobs);
  await removeBlobs(stores(), [sha256]);
  await finishRemovals(stores());
  expect(await marks(sha256)).toEqual([{ removed: true }]);
  await database.db.query("UPDATE blob_removal SET started_at = started_at - interval '25 hours'");
  await finishRemovals(stores());
  expect(await marks(sha256)).toEqual([]);
});

test('four who store, refer, forget and remove: whatever is referred to is there, always', async () => {
  const contents = Array.from({ length: 6 }, () => randomBytes(16));
  const digests = await Promise.all(contents.map((bytes) => store(blobs, bytes)));
  const did = { refer: 0, forget: 0, remove: 0 };
  const refer = (random: Random) => async (sha256: string) => {
    await database.db.transaction(async (manager) => {
      await claimBlobs(manager, blobs, [sha256]);
      await manager.query(
        `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
         VALUES ($1, 'image/png', 1, 8, 8, 0.5, 0.5) ON CONFLICT DO NOTHING`,
        [sha256],
      );
      for (let waits = intBetween(random, 0, 3); waits > 0; waits -= 1) await setImmediate();
    });
    did.refer += 1;
  };
  let working = 4;
  const work = async (seed: number) => {
    const random = seededRandom('removal', seed);
    for (let turn = 0; turn < 60; turn += 1) {
      const bytes = pick(random, contents);
      if (chance(random, 0.4)) {
        await storeAndRefer(() => store(blobs, bytes), refer(random));
        continue;
      }
      if (chance(random, 0.6)) {
        const [, rows] = await database.db.query('DELETE FROM picture WHERE sha256 = $1', [digest(bytes)]);
        did.forget += rows;
      }
      const some = shuffle(random, [...digests]).slice(0, 3);
      did.remove += (await removeBlobs(stores(), some)).blobs;
    }
    working -= 1;
  };
  /** Held, so that nobody forgets it while it is looked for. */
  const look = async () => {
    while (working > 0)
      await database.db.transaction(async (manager) => {
        const rows: { sha256: string }[] = await manager.query(
          'SELECT sha256 FROM picture WHERE sha256 = ANY ($1) FOR KEY SHARE',
          [digests],
        );
        for (const { sha256 } of rows) expect([sha256, await blobs.has(sha256)]).toEqual([sha256, true]);
      });
  };
  await Promise.all([...[1, 2, 3, 4].map(work), look()]);
  for (const times of Object.values(did)) expect(times).toBeGreaterThan(15);
});
