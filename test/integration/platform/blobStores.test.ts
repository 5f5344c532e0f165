/** What every blob store does, of both of them: a folder, and a bucket of a real S3 server where there is one. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { useAll, type BlobStore } from '../../../src/platform/blobs.js';
import { openBlobs } from '../../../src/platform/blobs/open.js';
import { openPartials } from '../../../src/platform/openPartials.js';
import { describeS3, openObjectStore, type ObjectStore } from '../../support/objectStore.js';

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const LIMITS = { maxBytes: 100_000_000 };
const MIB = 2 ** 20;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-stores-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const put = (blobs: BlobStore, bytes: Buffer) => blobs.receive(Readable.from([bytes]), LIMITS);

/** @param open another process's view of the same store */
function behaviour(open: () => Promise<BlobStore>): void {
  let blobs: BlobStore;
  beforeAll(async () => {
    blobs = await open();
    await blobs.check();
  });

  test.each([0, 1, 100_000, 40 * MIB])('%d bytes come back in every way', async (length) => {
    const bytes = randomBytes(length);
    expect(await put(blobs, bytes)).toMatchObject({ sha256: digest(bytes), bytes: length });
    const elsewhere = await open();
    expect([await elsewhere.has(digest(bytes)), await elsewhere.size(digest(bytes))]).toEqual([true, length]);
    expect((await buffer(await elsewhere.read(digest(bytes)))).equals(bytes)).toBe(true);
    expect((await readFile(await elsewhere.file(digest(bytes)))).equals(bytes)).toBe(true);
    expect(await elsewhere.use(digest(bytes), async (path) => (await readFile(path)).equals(bytes))).toBe(
      true,
    );
    const kept = await elsewhere.keep(digest(bytes), join(folder, randomUUID()));
    expect((await readFile(kept)).equals(bytes)).toBe(true);
  });

  test('a range is what was asked for, both ends included', async () => {
    const bytes = randomBytes(1000);
    await put(blobs, bytes);
    const part = await buffer(await blobs.read(digest(bytes), { start: 10, end: 19 }));
    expect(part).toEqual(bytes.subarray(10, 20));
  });

  test('what is not there is missing, however it is asked for', async () => {
    const sha256 = digest(randomBytes(10));
    expect(await blobs.has(sha256)).toBe(false);
    const missing = { code: 'BLOB_MISSING', httpStatus: 404 };
    await expect(blobs.size(sha256)).rejects.toMatchObject(missing);
    await expect(blobs.read(sha256)).rejects.toMatchObject(missing);
    await expect(blobs.file(sha256)).rejects.toMatchObject(missing);
    await expect(blobs.use(sha256, async () => 1)).rejects.toMatchObject(missing);
    await expect(useAll(blobs, [sha256], async () => 1)).rejects.toMatchObject(missing);
  });

  test('eight puts of one blob at a time are one, and a ninth changes nothing', async () => {
    const bytes = randomBytes(300_000);
    await Promise.all(Array.from({ length: 8 }, () => put(blobs, bytes)));
    await put(blobs, bytes);
    expect((await buffer(await blobs.read(digest(bytes)))).equals(bytes)).toBe(true);
  });

  test('wrong, too large, refused or cut off: nothing is there', async () => {
    const bytes = randomBytes(5000);
    const sha256 = digest(bytes);
    const other = digest(randomBytes(9));
    await expect(blobs.receive(Readable.from([bytes]), { ...LIMITS, sha256: other })).rejects.toMatchObject({
      code: 'SHA256_MISMATCH',
    });
    await expect(blobs.receive(Readable.from([bytes]), { maxBytes: 4999 })).rejects.toMatchObject({
      code: 'BLOB_TOO_LARGE',
    });
    const inspect = async (path: string) => {
      expect(await readFile(path)).toEqual(bytes);
      throw new Error('not a picture');
    };
    await expect(blobs.receive(Readable.from([bytes]), { ...LIMITS, inspect })).rejects.toThrow(
      'not a picture',
    );
    const broken = Readable.from(
      (async function* () {
        yield bytes.subarray(0, 2500);
        throw new Error('connection lost');
      })(),
    );
    await expect(blobs.receive(broken, LIMITS)).rejects.toThrow('connection lost');
    expect([await blobs.has(sha256), await blobs.has(other)]).toEqual([false, false]);
  });

  test('a listing has every blob once, in order, page by page; what is removed is gone, and may come again', async () => {
    const contents = Array.from({ length: 9 }, () => randomBytes(50));
    for (const bytes of contents) await put(blobs, bytes);
    const elsewhere = await open();
    const pages = async (limit: number) => {
      const all: string[] = [];
      for (let after: string | null = null; ;) {
        const page = await elsewhere.list(after, limit);
        expect(page.length).toBeLessThanOrEqual(limit);
        all.push(...page.map((blob) => blob.sha256));
        after = page.at(-1)?.sha256 ?? null;
        if (page.length < limit) return all;
      }
    };
    const all = await pages(1000);
    expect(all).toEqual([...new Set(all)].sort());
    expect(all).toEqual(expect.arrayContaining(contents.map(digest)));
    expect(await pages(4)).toEqual(all);
    const [gone] = contents.map(digest);
    const [found] = await elsewhere.list(all[all.indexOf(gone!) - 1] ?? null, 1);
    expect(found).toMatchObject({ sha256: gone, bytes: 50 });
    expect(Math.abs(Date.now() - found!.changedAt.getTime())).toBeLessThan(60_000);
    await elsewhere.remove(gone!);
    await elsewhere.remove(gone!);
    expect(await pages(4)).toEqual(all.filter((one) => one !== gone));
    // It was stored by this one, which may have a copy.
    expect(await blobs.has(gone!)).toBe(false);
    await expect(blobs.read(gone!)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    await put(blobs, contents[0]!);
    expect(await elsewhere.has(gone!)).toBe(true);
  });

  test('a file is taken whole or stays', async () => {
    const bytes = randomBytes(20 * MIB);
    const file = join(folder, randomUUID());
    await writeFile(file, bytes);
    // A folder takes a file of its own disk.
    await expect(blobs.take(file, digest(randomBytes(3)))).rejects.toMatchObject({ code: 'SHA256_MISMATCH' });
    expect((await stat(file)).size).toBe(bytes.length);
    await blobs.take(file, digest(bytes));
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await blobs.size(digest(bytes))).toBe(bytes.length);
  });

  test('a file in pieces goes on at another process, is the blob at the end, and leaves nothing', async () => {
    const bytes = randomBytes(19 * MIB);
    const name = randomUUID();
    const [one, two] = [openPartials(blobs), openPartials(await open())];
    const signal = new AbortController().signal;
    const send = (to: typeof one, offset: number | null, end: number) =>
      to.alone(name, () =>
        to.append(name, Readable.from([bytes.subarray(offset ?? 0, end)]), {
          offset,
          total: bytes.length,
          signal,
        }),
      );
    expect(await send(one, 0, 1000)).toBe(1000);
    expect(await send(two, 1000, 9 * MIB)).toBe(9 * MIB);
    await expect(send(one, 1000, 2000)).rejects.toMatchObject({ code: 'UPLOAD_OFFSET' });
    const cut = Readable.from(
      (async function* () {
        yield bytes.subarray(9 * MIB, 10 * MIB);
        throw new Error('connection lost');
      })(),
    );
    await expect(one.append(name, cut, { offset: 9 * MIB, total: bytes.length, signal })).rejects.toThrow(
      'connection lost',
    );
    expect(await two.size(name)).toBe(10 * MIB);
    expect(await send(two, 10 * MIB, bytes.length)).toBe(bytes.length);
    await expect(
      two.append(name, Readable.from([Buffer.alloc(1)]), {
        offset: bytes.length,
        total: bytes.length,
        signal,
      }),
    ).rejects.toMatchObject({ code: 'UPLOAD_TOO_LONG' });
    expect(await one.idle()).toContain(name);
    await expect(one.takeInto(blobs, name, digest(randomBytes(1)))).rejects.toMatchObject({
      code: 'SHA256_MISMATCH',
    });
    expect(await one.size(name)).toBe(bytes.length);
    await one.takeInto(blobs, name, digest(bytes));
    expect((await buffer(await blobs.read(digest(bytes)))).equals(bytes)).toBe(true);
    expect([await one.size(name), (await one.idle()).includes(name)]).toEqual([0, false]);
  });
}

describe('a folder', () => {
  let root: string;
  const open = () => openBlobs({ dataDir: root, blobUrl: undefined, blobCacheBytes: 0 });
  beforeAll(() => {
    root = join(folder, 'folder');
  });
  behaviour(open);

  test('that is gone for a while is waited for, or said to be away; nothing is written in its place', async () => {
    const bytes = randomBytes(1000);
    const blobs = await open();
    await put(blobs, bytes);
    await rename(join(root, 'blobs'), join(root, 'away'));
    const away = { code: 'BLOB_STORE_UNAVAILABLE', httpStatus: 503 };
    await expect(blobs.size(digest(bytes))).rejects.toMatchObject(away);
    await expect(put(blobs, randomBytes(10))).rejects.toMatchObject(away);
    await expect(blobs.list(null, 10)).rejects.toMatchObject(away);
    await expect(blobs.remove(digest(bytes))).rejects.toMatchObject(away);
    expect(await readdir(root)).toEqual(['away']);
    const patient = blobs.patient(60_000);
    // As the mount leaves it: an empty folder.
    await mkdir(join(root, 'blobs'));
    const size = patient.size(digest(bytes)).catch((error: unknown) => error);
    await rm(join(root, 'blobs'), { recursive: true });
    await rename(join(root, 'away'), join(root, 'blobs'));
    expect(await size).toBe(1000);
  });
});

describeS3('a bucket of a real S3 server', () => {
  let store: ObjectStore;
  let caches = 0;
  const open = (blobCacheBytes = 200 * MIB) =>
    openBlobs({ dataDir: join(folder, `host-${(caches += 1)}`), blobUrl: store.url, blobCacheBytes });
  beforeAll(async () => {
    store = await openObjectStore();
  });
  afterAll(() => store.stop());
  behaviour(open);

  test('a bucket that is not there, and keys that are wrong, are said so and not waited for', async () => {
    const config = { dataDir: join(folder, 'none'), blobCacheBytes: 0 };
    const url = new URL(store.url);
    url.hostname = 'no-such-bucket';
    await expect((await openBlobs({ ...config, blobUrl: url.href })).check()).rejects.toMatchObject({
      code: 'BLOB_STORE_REFUSED',
    });
    const secret = process.env.AWS_SECRET_ACCESS_KEY;
    try {
      process.env.AWS_SECRET_ACCESS_KEY = 'not-the-secret-of-the-server';
      const blobs = (await openBlobs({ ...config, blobUrl: store.url })).patient(60_000);
      const refusal = await put(blobs, randomBytes(10)).catch((error: Error) => error);
      expect(refusal).toMatchObject({ code: 'BLOB_STORE_REFUSED', httpStatus: 503 });
      expect(JSON.stringify(refusal)).not.toContain('not-the-secret');
      expect((refusal as Error).message).not.toContain('not-the-secret');
    } finally {
      process.env.AWS_SECRET_ACCESS_KEY = secret;
    }
  });

  test('the cache keeps to its room, and takes nothing away from whoever uses it', async () => {
    const all = Array.from({ length: 12 }, () => randomBytes(MIB));
    for (const bytes of all) await put(await open(), bytes);
    const dataDir = join(folder, 'small-cache');
    const blobs = await openBlobs({ dataDir, blobUrl: store.url, blobCacheBytes: 4 * MIB });
    await blobs.use(digest(all[0]!), async (path) => {
      for (const bytes of all) await blobs.use(digest(bytes), async () => undefined);
      expect((await readFile(path)).equals(all[0]!)).toBe(true);
    });
    const entries = await readdir(join(dataDir, 'cache'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThanOrEqual(5);
  });

  test('what the bucket gives otherwise than it was given is damaged, and never read as whole', async () => {
    const bytes = randomBytes(3000);
    await put(await open(), bytes);
    const { S3Client, PutObjectCommand } = await import('@aws-sdk/client-s3');
    const url = new URL(store.url);
    const client = new S3Client({
      endpoint: url.searchParams.get('endpoint') ?? undefined,
      ...{ region: 'us-east-1', forcePathStyle: true },
    });
    const sha256 = digest(bytes);
    const Key = `${url.pathname.slice(1)}/${sha256.slice(0, 2)}/${sha256.slice(2)}`;
    await client.send(new PutObjectCommand({ Bucket: url.hostname, Key, Body: randomBytes(3000) }));
    const blobs = await open();
    await expect(blobs.file(sha256)).rejects.toMatchObject({ code: 'BLOB_DAMAGED' });
    await expect(buffer(await blobs.read(sha256))).rejects.toMatchObject({ code: 'BLOB_DAMAGED' });
  });

  test('fifty who want one blob fetch it once', async () => {
    const bytes = randomBytes(2 * MIB);
    await put(await open(), bytes);
    const relay = await counting(new URL(store.url).searchParams.get('endpoint') ?? '');
    try {
      const url = new URL(store.url);
      url.searchParams.set('endpoint', relay.url);
      const blobs = await openBlobs({
        dataDir: join(folder, 'once'),
        blobUrl: url.href,
        blobCacheBytes: 10 * MIB,
      });
      await Promise.all(
        Array.from({ length: 50 }, () =>
          blobs.use(digest(bytes), async (path) => expect((await stat(path)).size).toBe(bytes.length)),
        ),
      );
      expect(relay.bytes()).toBeGreaterThan(bytes.length);
      expect(relay.bytes()).toBeLessThan(1.5 * bytes.length);
    } finally {
      relay.close();
    }
  });

  test('killed for a while: whoever is in a hurry is told, whoever has patience waits, and nothing is lost', async () => {
    if (!store.server) return;
    const bytes = randomBytes(MIB);
    const blobs = await open();
    await put(blobs, bytes);
    await store.server.kill();
    const away = { code: 'BLOB_STORE_UNAVAILABLE', httpStatus: 503 };
    await expect((await open()).file(digest(bytes))).rejects.toMatchObject(away);
    await expect(put(await open(), randomBytes(10))).rejects.toMatchObject(away);
    const patient = (await open()).patient(60_000);
    const late = randomBytes(20 * MIB);
    const waiting = [put(patient, late), patient.file(digest(bytes))] as const;
    await store.server.start();
    expect((await waiting[0]).sha256).toBe(digest(late));
    expect((await readFile(await waiting[1])).equals(bytes)).toBe(true);
    expect((await buffer(await (await open()).read(digest(late)))).equals(late)).toBe(true);
  });
});

/** A relay to the server that counts what it sends. */
async function counting(endpoint: string) {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(endpoint);
  let sent = 0;
  const server: Server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    upstream.on('data', (chunk: Buffer) => (sent += chunk.length));
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => (client.destroy(), upstream.destroy()));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    bytes: () => sent,
    close: () => server.close(),
  };
}
