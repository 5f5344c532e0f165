import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { FolderBlobs } from '../../../src/platform/blobs/folder.js';

let folder: string;
let blobs: FolderBlobs;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-blobs-'));
  blobs = new FolderBlobs(folder);
});
afterEach(() => rm(folder, { recursive: true }));

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const LIMITS = { maxBytes: 1_000_000 };

/** Every file below the store, however it is called. */
async function files(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== '.shingo-blobs')
    .map((entry) => join(entry.parentPath, entry.name));
}

test('bytes come back under the SHA-256 of their content, whatever they are and however they arrive', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), async (chunks) => {
      const bytes = Buffer.concat(chunks);
      const received = await blobs.receive(
        Readable.from(
          chunks.map((chunk) => Buffer.from(chunk)),
          { objectMode: false },
        ),
        LIMITS,
      );
      expect(received).toMatchObject({ sha256: digest(bytes), bytes: bytes.length });
      expect(await buffer(await blobs.read(received.sha256))).toEqual(bytes);
      expect(await blobs.size(received.sha256)).toBe(bytes.length);
    }),
    { numRuns: 30 },
  );
});

test('an upload that breaks off leaves nothing', async () => {
  const source = Readable.from(
    (async function* () {
      yield randomBytes(200_000);
      // Until the first part is on disk: otherwise there would be nothing to leave behind.
      while ((await files()).length === 0) await new Promise((resolve) => setImmediate(resolve));
      throw new Error('connection lost');
    })(),
  );
  await expect(blobs.receive(source, LIMITS)).rejects.toThrow('connection lost');
  expect(await files()).toEqual([]);
});

test('bytes that are not those announced leave nothing', async () => {
  const [announced, sent] = [randomBytes(100), randomBytes(100)];
  const refusal = blobs.receive(Readable.from([sent]), { ...LIMITS, sha256: digest(announced) });
  await expect(refusal).rejects.toMatchObject({ code: 'SHA256_MISMATCH', httpStatus: 422 });
  expect(await files()).toEqual([]);
  expect(await blobs.has(digest(sent))).toBe(false);
});

test('one byte more than allowed leaves nothing; as many as allowed are taken', async () => {
  const bytes = randomBytes(1000);
  await expect(blobs.receive(Readable.from([bytes]), { maxBytes: 999 })).rejects.toMatchObject({
    code: 'BLOB_TOO_LARGE',
    httpStatus: 413,
  });
  expect(await files()).toEqual([]);
  await blobs.receive(Readable.from([bytes]), { maxBytes: 1000 });
  expect(await blobs.has(digest(bytes))).toBe(true);
});

test('an upload without end is stopped at the limit', async () => {
  let sent = 0;
  const endless = new Readable({
    read() {
      sent += 65_536;
      this.push(Buffer.alloc(65_536));
    },
  });
  await expect(blobs.receive(endless, LIMITS)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
  expect(endless.destroyed).toBe(true);
  expect(sent).toBeLessThan(4 * LIMITS.maxBytes);
});

test('a blob that the inspection refuses has no name at any time', async () => {
  const bytes = randomBytes(100);
  const inspect = async (path: string) => {
    expect(await readFile(path)).toEqual(bytes);
    expect(await blobs.has(digest(bytes))).toBe(false);
    throw new Error('not a picture');
  };
  await expect(blobs.receive(Readable.from([bytes]), { ...LIMITS, inspect })).rejects.toThrow(
    'not a picture',
  );
  expect(await files()).toEqual([]);
});

test('eight uploads of one blob at a time all succeed and store it once', async () => {
  const bytes = randomBytes(300_000);
  const parts = [bytes.subarray(0, 1000), bytes.subarray(1000)];
  const all = await Promise.all(Array.from({ length: 8 }, () => blobs.receive(Readable.from(parts), LIMITS)));
  expect(new Set(all.map((received) => received.sha256))).toEqual(new Set([digest(bytes)]));
  expect(await files()).toHaveLength(1);
  expect(await buffer(await blobs.read(digest(bytes)))).toEqual(bytes);
});

test('a failed upload does not harm the blob that is there', async () => {
  const bytes = randomBytes(100);
  await blobs.receive(Readable.from([bytes]), LIMITS);
  const again = blobs.receive(Readable.from([randomBytes(100)]), { ...LIMITS, sha256: digest(bytes) });
  await expect(again).rejects.toMatchObject({ code: 'SHA256_MISMATCH' });
  expect(await buffer(await blobs.read(digest(bytes)))).toEqual(bytes);
});

test('no name but 64 lower-case hexadecimal digits reaches the file system', () => {
  const digestLike = fc.stringMatching(/^[0-9a-f]{64}$/);
  const mangled = fc.oneof(
    fc.string(),
    fc.constantFrom('', '..', '../../etc/passwd', `..${'/'.repeat(62)}`, `${'a'.repeat(64)}\n`),
    digestLike.map((text) => text.toUpperCase()).filter((text) => /[A-F]/.test(text)),
    digestLike.map((text) => `${text.slice(0, 62)}/.`),
    digestLike.map((text) => `${text}0`),
  );
  fc.assert(
    fc.property(mangled, (name) => {
      fc.pre(!/^[0-9a-f]{64}$/.test(name) || name.length !== 64);
      expect(() => blobs.path(name)).toThrow(expect.objectContaining({ code: 'SHA256_INVALID' }));
    }),
  );
});
