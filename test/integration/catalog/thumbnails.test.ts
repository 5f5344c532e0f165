/** GET /images/{id}/thumb: small, made once, and asked for again only when it must be. */
import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { toGlobalId } from '../../../src/graphql/node.js';
import { newId } from '../../../src/platform/ids.js';
import { sha256, startTestService, type TestService } from '../../support/service.js';

const LIMIT = 60_000;
let service: TestService;
let shot: Shot;
beforeAll(async () => {
  service = await startTestService({ env: { SHINGO_THUMBNAIL_BYTES: String(LIMIT) } });
  await service.ok('mutation { createProject(input: { name: "p" }) { userErrors { code } } }');
  shot = await newShot();
});
afterAll(() => service.stop());

interface Shot {
  id: string;
  bytes: Buffer;
}

let made = 0;
/** A registered image with structure in it, 1600 × 900. */
async function newShot(change = (picture: Sharp) => picture): Promise<Shot> {
  made += 1;
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 5 + made };
  const created = sharp({ create: { width: 1600, height: 900, channels: 3, background: '#468', noise } });
  const bytes = await change(created).jpeg({ quality: 60 }).toBuffer();
  await service.put(bytes);
  const { registerImages } = await service.ok(
    `mutation ($rows: [RegisterImageRow!]!) { registerImages(input: { projectId: "p", rows: $rows })
      { images { id } userErrors { code } } }`,
    { rows: [{ sha256: sha256(bytes), fileName: `${made}.jpg` }] },
  );
  return { id: registerImages.images[0].id, bytes };
}

const get = (id: string, query = '', headers: Record<string, string> = {}) =>
  fetch(`${service.url}/images/${id}/thumb${query}`, { headers });
const sizeOf = async (response: Response) => {
  const { width, height, format } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
  return [width, height, format];
};
async function files(): Promise<string[]> {
  const folder = join(service.services.config.dataDir, 'thumbnails');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
const WEBP = { accept: 'image/avif,image/webp,*/*;q=0.8' };

test.each([
  ['', {}, [256, 144, 'jpeg']],
  ['?w=256', WEBP, [256, 144, 'webp']],
  ['?w=65', WEBP, [128, 72, 'webp']],
  ['?w=1', { accept: 'image/png' }, [64, 36, 'jpeg']],
  ['?w=99999', WEBP, [1024, 576, 'webp']],
  ['?w=512', { accept: 'image/webp;q=0, image/jpeg' }, [512, 288, 'jpeg']],
])('%s, accepting %j', async (query, headers, expected) => {
  const answer = await get(shot.id, query, headers);
  expect(answer.headers.get('content-type')).toBe(`image/${String(expected[2])}`);
  expect(await sizeOf(answer)).toEqual(expected);
});

test('may be kept for ever by whoever got it, by width and format', async () => {
  const first = await get(shot.id, '', WEBP);
  expect(Object.fromEntries(first.headers)).toMatchObject({
    'cache-control': 'private, max-age=31536000, immutable',
    vary: 'Accept',
    'x-content-type-options': 'nosniff',
    etag: `"${sha256(shot.bytes)}-256-webp"`,
  });
  const etag = first.headers.get('etag') as string;
  const again = await get(shot.id, '', { ...WEBP, 'if-none-match': etag });
  expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
  const other = await get(shot.id, '?w=512', { ...WEBP, 'if-none-match': etag });
  expect(other.status).toBe(200);
});

test('asked for by twenty at a time it is made once', async () => {
  const own = await newShot();
  const before = new Set(await files());
  const made: string[] = [];
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(own.id)));
  for (const answer of answers) made.push(sha256(Buffer.from(await answer.arrayBuffer())));
  expect(new Set(made).size).toBe(1);
  expect((await files()).filter((file) => !before.has(file))).toHaveLength(1);
});

test('a phone that was held upright is shown upright, without what its camera wrote down', async () => {
  const own = await newShot((picture) => picture.withMetadata({ orientation: 6 }));
  const bytes = Buffer.from(await (await get(own.id)).arrayBuffer());
  const { width, height, exif, orientation } = await sharp(bytes).metadata();
  expect([width, height, exif, orientation]).toEqual([256, 455, undefined, undefined]);
});

test('a small picture is not made larger', async () => {
  const own = await newShot((picture) => picture.resize(50, 30));
  expect(await sizeOf(await get(own.id, '?w=1024'))).toEqual([50, 30, 'jpeg']);
});

test('the folder stays within its room: those not used for longest go first', async () => {
  const old = await newShot();
  await get(old.id, '?w=512');
  const [oldFile] = (await files()).filter((file) => file.includes(sha256(old.bytes).slice(2)));
  await utimes(oldFile as string, 1, 1);
  const bytesOf = async () => {
    let bytes = 0;
    for (const file of await files()) bytes += (await stat(file).catch(() => null))?.size ?? 0;
    return bytes;
  };
  for (let n = 0; n < 8; n++) await (await get((await newShot()).id, '?w=512')).arrayBuffer();
  // Clearing runs beside the answers.
  while ((await files()).includes(oldFile as string) || (await bytesOf()) > 2 * LIMIT)
    await new Promise((resolve) => setImmediate(resolve));
  expect(await sizeOf(await get(old.id, '?w=512'))).toEqual([512, 288, 'jpeg']);
});

const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code];

test.each(['0', '-1', '1.5', 'x', '', '1e3', '9999999'])('w=%s is refused', async (w) => {
  expect(await codeOf(await get(shot.id, `?w=${w}`))).toEqual([400, 'BAD_USER_INPUT']);
});

test('of no image, of no id, of a picture that is gone: each has its code, and none is kept by the client', async () => {
  expect(await codeOf(await get(toGlobalId('Image', newId())))).toEqual([404, 'NOT_FOUND']);
  expect(await codeOf(await get(toGlobalId('Place', newId())))).toEqual([400, 'INVALID_ID']);
  const own = await newShot();
  await rm(service.services.blobs.path(sha256(own.bytes)));
  const gone = await get(own.id);
  expect([gone.headers.get('cache-control'), gone.headers.get('etag')]).toEqual([null, null]);
  expect(await codeOf(gone)).toEqual([500, 'PICTURE_UNREADABLE']);
  await writeFile(service.services.blobs.path(sha256(own.bytes)), own.bytes.subarray(0, 5000));
  expect(await codeOf(await get(own.id))).toEqual([500, 'PICTURE_UNREADABLE']);
});

test('GraphQL tells where it is', async () => {
  const { image } = await service.ok(
    'query ($id: ID!) { image(id: $id) { thumbUrl small: thumbUrl(width: 100) huge: thumbUrl(width: 5000) } }',
    { id: shot.id },
  );
  expect(image).toEqual({
    thumbUrl: `/images/${shot.id}/thumb?w=256`,
    small: `/images/${shot.id}/thumb?w=128`,
    huge: `/images/${shot.id}/thumb?w=1024`,
  });
  expect((await fetch(service.url + image.small)).status).toBe(200);
});
