import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectPicture, PictureError } from '../../../src/catalog/image/picture/index.js';
import { plain, plasma } from './files.js';

const size = { width: 64, height: 40 };
const picture = () => plasma(size.width, size.height);

test.each([
  ['JPEG', 'image/jpeg', () => picture().jpeg()],
  ['JPEG', 'image/jpeg', () => picture().jpeg({ progressive: true })],
  ['PNG', 'image/png', () => picture().png()],
  ['WEBP', 'image/webp', () => picture().webp()],
  ['WEBP', 'image/webp', () => picture().webp({ lossless: true })],
  ['AVIF', 'image/avif', () => picture().avif()],
])('%s: format, media type, size and light (%#)', async (format, mediaType, encode) => {
  const facts = await inspectPicture(await encode().toBuffer());
  expect(facts).toMatchObject({ format, mediaType, ...size });
  expect(facts.brightness).toBeCloseTo(0.5, 1);
  expect(facts.darkness).toBeCloseTo(1 - facts.upperLuma, 12);
});

test.each([
  ['grey JPEG', () => plain(50, 50, '#808080').toColourspace('b-w').jpeg()],
  ['CMYK JPEG', () => plain(50, 50, '#808080').toColourspace('cmyk').jpeg()],
  ['16-bit PNG', () => plain(50, 50, '#808080').toColourspace('rgb16').png()],
  ['grey PNG', () => plain(50, 50, '#808080').toColourspace('b-w').png()],
  ['palette PNG', () => plain(50, 50, '#808080').png({ palette: true })],
])('a half-grey %s measures half', async (_name, encode) => {
  const { brightness, darkness } = await inspectPicture(await encode().toBuffer());
  expect(brightness).toBeCloseTo(0.5, 1);
  expect(darkness).toBeCloseTo(0.5, 1);
});

test('a pixel behind full transparency counts as black', async () => {
  const clear = plain(20, 20, '#ffffff').ensureAlpha(0).png();
  await expect(inspectPicture(await clear.toBuffer())).resolves.toMatchObject({ brightness: 0, darkness: 1 });
});

test.each([
  [1, 64, 40],
  [3, 64, 40],
  [6, 40, 64],
  [8, 40, 64],
])('EXIF orientation %d is applied to the size', async (orientation, width, height) => {
  const bytes = await picture().withMetadata({ orientation }).jpeg().toBuffer();
  await expect(inspectPicture(bytes)).resolves.toMatchObject({ width, height });
});

test('the light is measured after the turn: a dark sky stored at the side is still the sky', async () => {
  const left = await plain(30, 60, '#000000').png().toBuffer();
  const stored = plain(90, 60, '#ffffff').composite([{ input: left, left: 0, top: 0 }]);
  // 6: turn by 90° clockwise to display, so that the left side is on top.
  const bytes = await stored.withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const { darkness, brightness } = await inspectPicture(bytes);
  expect(darkness).toBeGreaterThan(0.95);
  expect(brightness).toBeCloseTo(2 / 3, 1);
});

test('one pixel is a picture', async () => {
  const bytes = await plain(1, 1, '#ffffff').png().toBuffer();
  await expect(inspectPicture(bytes)).resolves.toMatchObject({ width: 1, height: 1, darkness: 0 });
});

describe('from a path', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'picture-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('reads the file as it reads the bytes', async () => {
    const bytes = await picture().jpeg().toBuffer();
    await writeFile(join(folder, 'a.jpg'), bytes);
    expect(await inspectPicture(join(folder, 'a.jpg'))).toEqual(await inspectPicture(bytes));
  });

  test('an empty file is PICTURE_EMPTY, a missing one is the file system’s error', async () => {
    await writeFile(join(folder, 'empty.jpg'), '');
    await expect(inspectPicture(join(folder, 'empty.jpg'))).rejects.toMatchObject({ code: 'PICTURE_EMPTY' });
    await expect(inspectPicture(join(folder, 'none.jpg'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a refusal is a PictureError whose message says what to do', async () => {
  const error: unknown = await inspectPicture(Buffer.alloc(0)).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(PictureError);
  expect(error).toMatchObject({ code: 'PICTURE_EMPTY', message: expect.stringContaining('upload it again') });
});
