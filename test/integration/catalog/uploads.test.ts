/** createUpload, PUT in pieces, completeUpload: a whole file or none, whatever breaks on the way. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import fc from 'fast-check';
import { sweepUploads } from '../../../src/catalog/upload/sweep.js';
import { newId } from '../../../src/platform/ids.js';
import { sha256, startTestService, type TestService } from '../../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({
    env: { SHINGO_MAX_FILE_BYTES: '1000000', SHINGO_MAX_OPEN_UPLOADS: '3', SHINGO_DRAIN_SECONDS: '1' },
  });
  await service.ok('mutation { createProject(input: { name: "p" }) { userErrors { code } } }');
});
afterAll(() => service.stop());
beforeEach(() => service.db.query('DELETE FROM upload'));
afterEach(() => sweepUploads(service.services));

const FIELDS = 'upload { id url bytes sha256 receivedBytes expiresAt completedAt } userErrors { code field }';
const CREATE = `mutation ($input: CreateUploadInput!) { createUpload(input: $input) { ${FIELDS} } }`;
const COMPLETE = `mutation ($id: ID!) { completeUpload(input: { uploadId: $id }) { ${FIELDS} } }`;

const announced = (bytes: Buffer, rest: object = {}) => ({
  ...{ projectId: 'p', fileName: 'labels.zip', mediaType: 'application/zip' },
  ...{ bytes: bytes.length, sha256: sha256(bytes), ...rest },
});

async function create(bytes: Buffer, rest: object = {}) {
  return (await service.ok(CREATE, { input: announced(bytes, rest) })).createUpload.upload;
}

const errorsOf = async (query: string, variables: object) =>
  (
    Object.values((await service.ask(query, variables)).data as object)[0] as {
      userErrors: { code: string }[];
    }
  ).userErrors[0]?.code;
const complete = async (id: string) => (await service.ok(COMPLETE, { id })).completeUpload.upload;

const send = (url: string, bytes: Buffer, headers: Record<string, string> = {}, method = 'PUT') =>
  fetch(service.url + url, { method, body: new Uint8Array(bytes), headers });
const head = async (url: string) => {
  const { status, headers } = await fetch(service.url + url, { method: 'HEAD' });
  return { status, offset: Number(headers.get('upload-offset')), complete: headers.get('upload-complete') };
};
const answerOf = async (response: Response) => [
  response.status,
  ((await response.json()) as { code: string }).code,
];
const partials = () =>
  readdir(join(service.services.config.dataDir, 'blobs', 'partial')).catch(() => [] as string[]);
const stored = (digest: string) =>
  access(service.services.blobs.path(digest)).then(
    () => true,
    () => false,
  );

test('a file in one piece is in the store under its digest, and completing it again changes nothing', async () => {
  const bytes = randomBytes(100_000);
  const upload = await create(bytes);
  expect(upload).toMatchObject({ bytes: 100_000, receivedBytes: 0, completedAt: null });
  const sent = await send(upload.url, bytes);
  expect([sent.status, sent.headers.get('upload-offset'), sent.headers.get('upload-complete')]).toEqual([
    204,
    '100000',
    '?1',
  ]);
  const done = await complete(upload.id);
  expect(done).toMatchObject({
    id: upload.id,
    url: null,
    receivedBytes: 100_000,
    completedAt: expect.any(String),
  });
  expect(await complete(upload.id)).toEqual(done);
  expect((await stat(service.services.blobs.path(sha256(bytes)))).size).toBe(100_000);
  expect(await partials()).toEqual([]);
});

test('in any pieces, by any of the ways to say where one begins, the file is the same', async () => {
  const piece = fc.record({
    length: fc.integer({ min: 0, max: 4000 }),
    method: fc.constantFrom('PUT', 'PATCH'),
    range: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 6 }), async (pieces) => {
      const bytes = randomBytes(1 + pieces.reduce((sum, { length }) => sum + length, 0));
      const { url, id } = await create(bytes);
      let at = 0;
      for (const { length, method, range } of [
        ...pieces,
        { length: bytes.length, method: 'PUT', range: false },
      ]) {
        const part = bytes.subarray(at, at + length);
        const last = at + Math.max(part.length, 1) - 1;
        const header: Record<string, string> = range
          ? { 'content-range': `bytes ${at}-${last}/${bytes.length}` }
          : { 'upload-offset': String(at) };
        const sent = await send(url, part, header, method);
        at += part.length;
        expect([sent.status, Number(sent.headers.get('upload-offset'))]).toEqual([204, at]);
      }
      expect((await complete(id)).receivedBytes).toBe(bytes.length);
      expect(await stored(sha256(bytes))).toBe(true);
    }),
    { numRuns: 15 },
  );
});

test('a piece that breaks off keeps what arrived, and the next goes on from there', async () => {
  const bytes = randomBytes(300_000);
  const { url, id } = await create(bytes);
  const broken = request(service.url + url, { method: 'PUT', headers: { 'content-length': bytes.length } });
  broken.on('error', () => undefined);
  broken.write(bytes.subarray(0, 120_000));
  const received = async () =>
    (await service.ok('query ($id: ID!) { upload(id: $id) { receivedBytes } }', { id })).upload.receivedBytes;
  while ((await received()) < 120_000) await new Promise((resolve) => setImmediate(resolve));
  broken.destroy();
  expect(await head(url)).toEqual({ status: 204, offset: 120_000, complete: '?0' });
  expect(await errorsOf(COMPLETE, { id })).toBe('UPLOAD_INCOMPLETE');
  const wrong = await send(url, bytes.subarray(0, 10), { 'upload-offset': '100000' });
  expect([wrong.headers.get('upload-offset'), ...(await answerOf(wrong))]).toEqual([
    '120000',
    409,
    'UPLOAD_OFFSET',
  ]);
  await send(url, bytes.subarray(120_000), { 'upload-offset': '120000' });
  await complete(id);
  expect(await stored(sha256(bytes))).toBe(true);
});

test('a connection that hangs is ended by whoever goes on', async () => {
  const bytes = randomBytes(50_000);
  const { url, id } = await create(bytes);
  const hanging = request(service.url + url, { method: 'PUT', headers: { 'content-length': bytes.length } });
  hanging.on('error', () => undefined);
  const answered = once(hanging, 'response') as Promise<[IncomingMessage]>;
  hanging.write(bytes.subarray(0, 20_000));
  while ((await partials()).length === 0) await new Promise((resolve) => setImmediate(resolve));
  const { offset } = await head(url);
  expect((await answered)[0].statusCode).toBe(409);
  await send(url, bytes.subarray(offset), { 'upload-offset': String(offset) });
  await complete(id);
  expect(await stored(sha256(bytes))).toBe(true);
  hanging.destroy();
});

test('a PUT that names no offset is the file from its start', async () => {
  const bytes = randomBytes(5000);
  const { url, id } = await create(bytes);
  await send(url, bytes.subarray(0, 3000));
  expect((await send(url, bytes)).status).toBe(204);
  await complete(id);
  expect(await stored(sha256(bytes))).toBe(true);
});

test('other bytes than announced are refused and nothing of them is kept; the right ones may follow', async () => {
  const bytes = randomBytes(5000);
  const { url, id } = await create(bytes);
  await send(url, randomBytes(5000));
  expect(await errorsOf(COMPLETE, { id })).toBe('SHA256_MISMATCH');
  expect([await partials(), await stored(sha256(bytes)), (await head(url)).offset]).toEqual([[], false, 0]);
  await send(url, bytes);
  await complete(id);
  expect(await stored(sha256(bytes))).toBe(true);
});

test('not one byte more than announced is written', async () => {
  const bytes = randomBytes(1000);
  const { url, id } = await create(bytes);
  const sent = await send(url, Buffer.concat([bytes, Buffer.from('x')]));
  expect(await answerOf(sent)).toEqual([413, 'UPLOAD_TOO_LONG']);
  const { offset } = await head(url);
  expect(offset).toBeLessThanOrEqual(1000);
  await send(url, bytes.subarray(offset), { 'upload-offset': String(offset) });
  expect((await complete(id)).completedAt).not.toBeNull();
});

describe('an address', () => {
  const changed: [string, (url: string) => string, number, string][] = [
    ['without its signature', (url) => url.replace(/&signature=.*/, ''), 403, 'UPLOAD_SIGNATURE'],
    ['with another signature', (url) => `${url.slice(0, -1)}_`, 403, 'UPLOAD_SIGNATURE'],
    ['that lasts longer', (url) => url.replace('expires=1', 'expires=2'), 403, 'UPLOAD_SIGNATURE'],
    ['of something else', (url) => url.replace(/uploads\/\w+/, 'uploads/abc'), 400, 'INVALID_ID'],
  ];
  test.each(changed)('%s is refused', async (_name, change, status, code) => {
    const { url } = await create(randomBytes(10));
    expect(await answerOf(await send(change(url), randomBytes(10)))).toEqual([status, code]);
  });

  test('of one upload does not do for another', async () => {
    const [one, other] = [await create(randomBytes(10)), await create(randomBytes(10))];
    const mixed = other.url.split('?')[0] + '?' + one.url.split('?')[1];
    expect(await answerOf(await send(mixed, randomBytes(10)))).toEqual([403, 'UPLOAD_SIGNATURE']);
  });

  test('needs no key, where everything else does', async () => {
    const key = 'a-key-of-sixteen-characters';
    const locked = await startTestService({ env: { SHINGO_API_KEYS: key } });
    try {
      const authorization = { authorization: `Bearer ${key}` };
      await locked.ask(
        'mutation { createProject(input: { name: "p" }) { userErrors { code } } }',
        {},
        authorization,
      );
      const bytes = randomBytes(10);
      const { data } = await locked.ask(CREATE, { input: announced(bytes) }, authorization);
      const { url } = data.createUpload.upload;
      const status = async (path: string, method: string) =>
        (await fetch(locked.url + path, { method, body: method === 'PUT' ? new Uint8Array(bytes) : null }))
          .status;
      expect(await status(url, 'PUT')).toBe(204);
      expect(await status(url.slice(0, -1), 'PUT')).toBe(403);
      expect(await status('/uploads', 'GET')).toBe(401);
      expect(await status('/blobs/abc', 'GET')).toBe(401);
    } finally {
      await locked.stop();
    }
  });
});

test('the same key and file give the same upload, to go on with; another file under the key is a CONFLICT', async () => {
  const bytes = randomBytes(2000);
  const first = await create(bytes, { idempotencyKey: 'k' });
  await send(first.url, bytes.subarray(0, 700));
  const racing = await Promise.all(Array.from({ length: 8 }, () => create(bytes, { idempotencyKey: 'k' })));
  expect(new Set(racing.map(({ id }) => id))).toEqual(new Set([first.id]));
  expect(racing[0].receivedBytes).toBe(700);
  const other = { input: announced(randomBytes(2000), { idempotencyKey: 'k' }) };
  expect(await errorsOf(CREATE, other)).toBe('CONFLICT');
});

test('what the store has already needs not be sent', async () => {
  const bytes = randomBytes(2000);
  const first = await create(bytes);
  await send(first.url, bytes);
  await complete(first.id);
  const second = await create(bytes);
  expect(second.receivedBytes).toBe(2000);
  expect((await complete(second.id)).completedAt).not.toBeNull();
});

test('two that complete at a time do it once', async () => {
  const bytes = randomBytes(500_000);
  const { url, id } = await create(bytes);
  await send(url, bytes);
  const done = await Promise.all(Array.from({ length: 6 }, () => complete(id)));
  expect(new Set(done.map(({ completedAt }) => completedAt)).size).toBe(1);
});

test('of more uploads at a time than allowed the rest is refused, also when they race', async () => {
  const codes = await Promise.all(
    Array.from({ length: 8 }, () => errorsOf(CREATE, { input: announced(randomBytes(10)) })),
  );
  expect(codes.filter((code) => code === undefined)).toHaveLength(3);
  expect(new Set(codes.filter(Boolean))).toEqual(new Set(['TOO_MANY_UPLOADS']));
});

test('DELETE makes room and leaves nothing', async () => {
  const { url } = await create(randomBytes(1000));
  await send(url, randomBytes(500));
  expect((await fetch(service.url + url, { method: 'DELETE' })).status).toBe(204);
  expect([await partials(), (await head(url)).status]).toEqual([[], 404]);
});

test.each([
  [{ bytes: 0 }, 'BAD_USER_INPUT'],
  [{ bytes: -5 }, 'BAD_USER_INPUT'],
  [{ bytes: 1.5 }, 'BAD_USER_INPUT'],
  [{ bytes: 1e300 }, 'BAD_USER_INPUT'],
  [{ bytes: 1_000_001 }, 'FILE_TOO_LARGE'],
  [{ sha256: 'A'.repeat(64) }, 'SHA256_INVALID'],
  [{ fileName: '' }, 'BAD_USER_INPUT'],
  [{ fileName: 'x'.repeat(501) }, 'BAD_USER_INPUT'],
  [{ idempotencyKey: '' }, 'BAD_USER_INPUT'],
  [{ projectId: 'none' }, 'NOT_FOUND'],
])('the announcement %j is refused', async (rest, code) => {
  expect(await errorsOf(CREATE, { input: announced(randomBytes(5), rest) })).toBe(code);
});

describe('after a crash the next start mends', () => {
  test('a file that no row speaks of: it goes', async () => {
    const folder = join(service.services.config.dataDir, 'blobs', 'partial');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, newId()), 'left behind');
    const { url } = await create(randomBytes(100));
    await send(url, randomBytes(50));
    expect(await sweepUploads(service.services)).toEqual({ rows: 0, files: 1 });
    expect((await head(url)).offset).toBe(50);
  });

  test('a blob whose upload does not say that it is complete: completing says so', async () => {
    const bytes = randomBytes(1000);
    const { url, id } = await create(bytes);
    await send(url, bytes);
    await complete(id);
    await service.db.query('UPDATE upload SET completed_at = NULL');
    expect(await head(url)).toMatchObject({ offset: 1000, complete: '?1' });
    expect((await complete(id)).completedAt).not.toBeNull();
  });

  test('an upload whose time is over: it goes with its file, and its key is free', async () => {
    const bytes = randomBytes(1000);
    const old = await create(bytes, { idempotencyKey: 'again' });
    await send(old.url, bytes.subarray(0, 10));
    await service.db.query("UPDATE upload SET expires_at = now() - interval '1 second'");
    expect(await errorsOf(COMPLETE, { id: old.id })).toBe('UPLOAD_EXPIRED');
    expect((await head(old.url)).status).toBe(410);
    const renewed = await create(bytes, { idempotencyKey: 'again' });
    expect([renewed.id === old.id, renewed.receivedBytes]).toEqual([false, 0]);
    expect(await sweepUploads(service.services)).toEqual({ rows: 0, files: 1 });
    await service.db.query("UPDATE upload SET expires_at = now() - interval '1 second'");
    expect(await sweepUploads(service.services)).toEqual({ rows: 1, files: 0 });
  });
});
