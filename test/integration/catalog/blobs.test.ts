/** PUT and GET /blobs/{sha256}: pictures in full or not at all. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import { sha256, startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let jpeg: Buffer;
beforeAll(async () => {
  service = await startTestService({ env: { SHINGO_MAX_UPLOAD_BYTES: '200000', SHINGO_DRAIN_SECONDS: '1' } });
  jpeg = await picture(64, 48);
});
afterAll(() => service.stop());
beforeEach(async () => {
  await service.db.query('TRUNCATE picture CASCADE');
});

function picture(width: number, height: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 };
  return sharp({ create: { width, height, channels: 3, background: '#888', noise } })
    .jpeg()
    .toBuffer();
}

async function files(): Promise<string[]> {
  const folder = join(service.services.config.dataDir, 'blobs');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  // Marks tell a folder that is there from an empty mount, and whose it is.
  return entries
    .map((entry) => (entry.isFile() ? entry.name : ''))
    .filter((name) => name && !name.startsWith('.shingo-'));
}

const rows = () => service.db.query('SELECT * FROM picture');

async function refused(answer: Response, status: number, code: string): Promise<void> {
  expect([answer.status, await answer.json()]).toEqual([
    status,
    { code, message: expect.stringMatching(/\w.+/) },
  ]);
  expect(await rows()).toEqual([]);
}

describe('before any picture is there, what is refused leaves neither file nor row:', () => {
  afterEach(async () => expect(await files()).toEqual([]));

  test('no bytes', async () => refused(await service.put(Buffer.alloc(0)), 422, 'PICTURE_EMPTY'));
  test('a text', async () =>
    refused(await service.put(Buffer.from('no picture')), 422, 'PICTURE_UNSUPPORTED'));
  test('an SVG, which could name files of ours', async () =>
    refused(
      await service.put(
        Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>'),
      ),
      422,
      'PICTURE_UNSUPPORTED',
    ));
  test('random bytes', async () => refused(await service.put(randomBytes(5000)), 422, 'PICTURE_UNSUPPORTED'));
  test('a JPEG that is cut off', async () =>
    refused(await service.put(jpeg.subarray(0, jpeg.length / 2)), 422, 'PICTURE_TRUNCATED'));
  test('other bytes than announced', async () =>
    refused(await service.put(jpeg, sha256(Buffer.from('other'))), 422, 'SHA256_MISMATCH'));
  test('more bytes than allowed', async () =>
    refused(await service.put(Buffer.concat([jpeg, Buffer.alloc(200_000)])), 413, 'BLOB_TOO_LARGE'));
  test('more bytes than allowed, without end: the answer comes, then the connection ends', async () => {
    const sent = request(`${service.url}/blobs/${'0'.repeat(64)}`, { method: 'PUT' });
    // The reset that ends the sending is what is wanted.
    sent.on('error', () => undefined);
    const more = (error?: Error | null) => void (error ?? sent.write(Buffer.alloc(60_000), more));
    more();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    // Not events.once, which takes the reset for a failure.
    const closed = new Promise((resolve) => response.socket.once('close', resolve));
    const body = await text(response);
    await refused(new Response(body, { status: response.statusCode! }), 413, 'BLOB_TOO_LARGE');
    await closed;
  });

  test.each([
    'A'.repeat(64),
    'g'.repeat(64),
    'a'.repeat(63),
    `${'a'.repeat(64)}0`,
    '..%2f..%2fetc%2fpasswd',
    `%2e%2e%2f${'a'.repeat(61)}`,
    '%00',
    '.',
    'incoming',
  ])('the name %s', async (name) => {
    const sent = await fetch(`${service.url}/blobs/${name}`, {
      method: 'PUT',
      body: new Uint8Array(jpeg),
      headers: { 'content-type': 'image/jpeg' },
    });
    const { code } = (await sent.json()) as { code: string };
    expect([sent.status, code]).toEqual([400, 'SHA256_INVALID']);
    const got = await fetch(`${service.url}/blobs/${name}`);
    expect([got.status, ((await got.json()) as { code: string }).code]).toEqual([sent.status, code]);
  });

  test('a path that leaves the folder, sent as it stands', async () => {
    const sent = request(`${service.url}`, { method: 'PUT', path: '/blobs/../../etc/passwd' });
    sent.end(jpeg);
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect([400, 404]).toContain(response.statusCode);
  });

  test('a connection that breaks off', async () => {
    const before = await files();
    const sent = request(`${service.url}/blobs/${sha256(jpeg)}`, {
      method: 'PUT',
      headers: { 'content-length': jpeg.length },
    });
    sent.on('error', () => undefined);
    sent.write(jpeg.subarray(0, 500));
    while ((await files()).length === before.length) await new Promise((resolve) => setImmediate(resolve));
    sent.destroy();
    while ((await files()).length > before.length) await new Promise((resolve) => setImmediate(resolve));
    expect(await rows()).toEqual([]);
  });
});

describe('a picture', () => {
  test('is there as it was sent, with what its pixels say; sent again it changes nothing', async () => {
    const first = await service.put(jpeg);
    expect([first.status, await first.json()]).toEqual([201, { sha256: sha256(jpeg), created: true }]);
    const again = await service.put(jpeg);
    expect([again.status, await again.json()]).toEqual([200, { sha256: sha256(jpeg), created: false }]);
    expect(await rows()).toMatchObject([
      { sha256: sha256(jpeg), media_type: 'image/jpeg', bytes: jpeg.length, width: 64, height: 48 },
    ]);
    const got = await fetch(`${service.url}/blobs/${sha256(jpeg)}`);
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'x-content-type-options': 'nosniff',
      etag: `"${sha256(jpeg)}"`,
    });
    expect(Buffer.from(await got.arrayBuffer())).toEqual(jpeg);
  });

  test('is what its bytes are, whatever it is called', async () => {
    const png = await sharp({ create: { width: 9, height: 5, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    for (const mediaType of ['text/html', 'application/json', 'multipart/form-data'])
      expect((await service.put(png, sha256(png), mediaType)).ok).toBe(true);
    expect((await fetch(`${service.url}/blobs/${sha256(png)}`)).headers.get('content-type')).toBe(
      'image/png',
    );
  });

  test('sent by eight clients at a time is made once', async () => {
    const own = await picture(80, 80);
    const answers = await Promise.all(Array.from({ length: 8 }, () => service.put(own)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(await rows()).toHaveLength(1);
    expect((await files()).filter((name) => sha256(own).endsWith(name))).toHaveLength(1);
  });

  test('that is not there is NOT_FOUND, and among the missing', async () => {
    const nothing = '0'.repeat(64);
    const got = await fetch(`${service.url}/blobs/${nothing}`);
    expect([got.status, await got.json()]).toEqual([404, { code: 'NOT_FOUND', message: expect.any(String) }]);
    await service.put(jpeg);
    const { missingBlobs } = await service.ok('query ($d: [String!]!) { missingBlobs(sha256: $d) }', {
      d: [nothing, sha256(jpeg), nothing],
    });
    expect(missingBlobs).toEqual([nothing]);
  });
});
