/** Decoding in a thread of its own, and what is kept of it on disk. */
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { pixelBytes, type DecodeRequest } from '../../../src/training/input/decode.js';
import { DecodedCache } from '../../../src/training/input/decodedCache.js';
import { Decoder } from '../../../src/training/input/decoder.js';
import { Waiting } from '../../../src/training/waiting.js';

const REQUEST: DecodeRequest = { kind: 'FRAME', width: 8, height: 4 };
const SIZE = 12 + pixelBytes(REQUEST);
let folder: string;
let picture: string;
const decoders: Decoder[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-decoder-'));
  picture = await picturesOf('#ff0000');
});
afterEach(async () => {
  for (const decoder of decoders.splice(0)) decoder.close();
  await rm(folder, { recursive: true, force: true });
});

async function picturesOf(background: string): Promise<string> {
  const file = join(folder, `${background.slice(1)}.png`);
  await sharp({ create: { width: 16, height: 8, channels: 3, background } }).toFile(file);
  return file;
}

/** A trainer's, with its own thread. */
function decoderWith(bytes = 1e6): Decoder {
  const decoder = new Decoder({ folder: join(folder, 'cache'), bytes });
  decoders.push(decoder);
  return decoder;
}

async function kept(): Promise<string[]> {
  const entries = await readdir(join(folder, 'cache'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

it('gives pixels and the size of the picture', async () => {
  const { pixels, native } = await decoderWith().decode({ file: picture }, REQUEST);
  expect(pixels).toHaveLength(8 * 4 * 3);
  expect([...pixels.subarray(0, 3)]).toEqual([255, 0, 0]);
  expect(native).toEqual({ width: 16, height: 8 });
});

it('reads from disk what another trainer decoded', async () => {
  await decoderWith().decode({ file: picture }, REQUEST);
  const [file] = await kept();
  // Marked, so that reading it is seen: other pixels with a checksum that fits.
  const cache = new DecodedCache({ folder: join(folder, 'cache'), bytes: 1e6 });
  const key = cache.key(await readFile(picture), REQUEST);
  expect(file).toContain(key);
  const marked = { pixels: new Uint8Array(96).fill(7), native: { width: 1, height: 2 } };
  await cache.put(key, marked);
  expect(await decoderWith().decode({ file: picture }, REQUEST)).toEqual(marked);
});

it('another size, another picture under the same name and another box are decoded anew', async () => {
  const decoder = decoderWith();
  await decoder.decode({ file: picture }, REQUEST);
  await decoder.decode({ file: picture }, { ...REQUEST, width: 4 });
  await sharp(await picturesOf('#0000ff')).toFile(picture);
  const { pixels } = await decoder.decode({ file: picture }, REQUEST);
  expect([...pixels.subarray(0, 3)]).toEqual([0, 0, 255]);
  const crops = (x: number): DecodeRequest => ({
    kind: 'CROPS',
    boxes: [{ x, y: 0, width: 4, height: 4 }],
    preprocessing: {
      inputSize: 2,
      crop: { margin: 0, clamp: true },
      resize: { fit: 'fill', kernel: 'cubic' },
    },
  });
  for (const x of [0, 4]) await decoder.decode({ file: picture }, crops(x));
  expect(await kept()).toHaveLength(5);
});

it.each([
  ['cut off', (file: string) => truncate(file, SIZE - 1)],
  ['empty', (file: string) => truncate(file, 0)],
  ['full of zeros', (file: string) => writeFile(file, Buffer.alloc(SIZE))],
])('a file that is %s is decoded anew and replaced', async (_, damage) => {
  const decoder = decoderWith();
  const good = await decoder.decode({ file: picture }, REQUEST);
  const [file] = await kept();
  const before = await readFile(file!);
  await damage(file!);
  expect(await decoder.decode({ file: picture }, REQUEST)).toEqual(good);
  expect(await readFile(file!)).toEqual(before);
});

it('keeps to its room: what was not used for longest goes first, and what a killed trainer left', async () => {
  const cache = new DecodedCache({ folder: join(folder, 'cache'), bytes: 3.5 * SIZE });
  const decoded = { pixels: new Uint8Array(96), native: { width: 1, height: 1 } };
  const keys = ['aa', 'bb', 'cc'].map((start) => start.repeat(32));
  const past = (seconds: number) => new Date(Date.now() - 1000 * seconds);
  for (const [i, key] of keys.entries()) {
    await cache.put(key, decoded);
    await utimes(join(folder, 'cache', key.slice(0, 2), key), past(100 - i), past(100 - i));
  }
  // Used again: no longer the first to go.
  await cache.get(keys[0]!, REQUEST);
  const [abandoned, underWay] = ['old', 'new'].map((name) => join(folder, 'cache', 'aa', `${name}.tmp`));
  for (const file of [abandoned!, underWay!]) await writeFile(file, '');
  await utimes(abandoned!, past(7200), past(7200));
  await cache.put('dd'.repeat(32), decoded);
  await cache.sweep();
  const left = (await kept()).map((file) => file.split('/').at(-1));
  expect(left.sort()).toEqual([keys[0], keys[2], 'dd'.repeat(32), 'new.tmp'].sort());
});

it('a folder that cannot be written to costs nothing but time', async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'cache'), 'a file where the folder should be');
  const { pixels } = await decoderWith().decode({ file: picture }, REQUEST);
  expect(pixels).toHaveLength(96);
});

it('two trainers that decode the same at once agree', async () => {
  const files = await Promise.all(['#010203', '#040506', '#070809'].map(picturesOf));
  const both = [decoderWith(), decoderWith()];
  const found = await Promise.all(
    both.map((decoder) => Promise.all(files.map((file) => decoder.decode({ file }, REQUEST)))),
  );
  expect(found[0]).toEqual(found[1]);
  expect(await kept()).toHaveLength(3);
});

it('decodes on while the asking thread is held', async () => {
  const decoder = decoderWith();
  await decoder.decode({ file: picture }, REQUEST);
  const files = await Promise.all(Array.from({ length: 12 }, (_, i) => picturesOf(`#0000${10 + i}`)));
  const asked = Promise.all(files.map((file) => decoder.decode({ file }, REQUEST)));
  // As a training step does: no turn for messages until all twelve lie in the cache.
  const before = new DecodedCache({ folder: join(folder, 'cache'), bytes: 1e6 });
  const deadline = performance.now() + 20_000;
  const keys = await Promise.all(files.map(async (file) => before.key(await readFile(file), REQUEST)));
  const { existsSync } = await import('node:fs');
  const all = () => keys.every((key) => existsSync(join(folder, 'cache', key.slice(0, 2), key)));
  while (!all() && performance.now() < deadline);
  expect(all()).toBe(true);
  await asked;
});

it('a closed decoder fails what it was asked', async () => {
  const decoder = decoderWith();
  const asked = decoder.decode({ file: picture }, REQUEST);
  decoder.close();
  await expect(asked).rejects.toThrow('closed');
});

it('waiting is what fetching takes of the time', async () => {
  let now = 0;
  const waiting = new Waiting(() => now);
  now += 60;
  await waiting.during(async () => (now += 20));
  now += 20;
  expect(waiting.share).toBeCloseTo(0.2);
});
