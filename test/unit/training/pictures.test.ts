import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { cropRegion } from '../../../src/training/input/crop.js';
import { loadPictures } from '../../../src/training/input/pictures.js';
import { defaultPreprocessing } from '../../../src/training/input/preprocessing.js';
import { readSamples } from '../../../src/training/input/samples.js';
import type { Sample } from '../../../src/training/protocol.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-pictures-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sampleOf = (file: string, box: Sample['box'] = null): Sample => ({
  id: 'light',
  file,
  box,
  label: 0,
  split: 'TRAIN',
  conditions: [],
});

/** Left half red, right half blue, 20×10. */
async function halves(name: string, channels: 3 | 4 = 3): Promise<string> {
  const blue = await sharp({ create: { width: 10, height: 10, channels: 3, background: '#0000ff' } })
    .png()
    .toBuffer();
  const file = join(folder, name);
  await sharp({ create: { width: 20, height: 10, channels, background: '#ff0000' } })
    .composite([{ input: blue, left: 10, top: 0 }])
    .toFile(file);
  return file;
}

describe('cropRegion', () => {
  const picture = { width: 100, height: 50 };

  it('adds the margin, rounds outwards and stops at the edges', () => {
    expect(cropRegion({ x: 10, y: 10, width: 10, height: 20 }, picture, 0.1)).toEqual({
      left: 9,
      top: 8,
      width: 12,
      height: 24,
    });
    expect(cropRegion({ x: -5, y: 40.4, width: 10, height: 30 }, picture, 0)).toEqual({
      left: 0,
      top: 40,
      width: 5,
      height: 10,
    });
  });

  it.each([
    { x: 100, y: 0, width: 5, height: 5 },
    { x: -5, y: 0, width: 5, height: 5 },
    { x: 0, y: 0, width: 0, height: 5 },
    { x: 0, y: NaN, width: 5, height: 5 },
  ])('has nothing to cut for %j', (box) => {
    expect(cropRegion(box, picture, 0.1)).toBeNull();
  });

  it('always lies in the picture and holds at least a pixel', () => {
    const coordinate = fc.double({ min: -200, max: 200, noNaN: true });
    const box = fc.record({ x: coordinate, y: coordinate, width: coordinate, height: coordinate });
    fc.assert(
      fc.property(box, fc.double({ min: 0, max: 2, noNaN: true }), (box, margin) => {
        const region = cropRegion(box, picture, margin);
        if (!region) return;
        expect(region.width).toBeGreaterThanOrEqual(1);
        expect(region.height).toBeGreaterThanOrEqual(1);
        expect(region.left).toBeGreaterThanOrEqual(0);
        expect(region.top).toBeGreaterThanOrEqual(0);
        expect(region.left + region.width).toBeLessThanOrEqual(100);
        expect(region.top + region.height).toBeLessThanOrEqual(50);
      }),
    );
  });
});

describe('loadPictures', () => {
  const preprocessing = { ...defaultPreprocessing(4), crop: { margin: 0, clamp: true as const } };
  const pixel = (data: Uint8Array, index: number) => Array.from(data.subarray(index * 48, index * 48 + 3));

  it('cuts each box of a file, in the order of the samples', async () => {
    const file = await halves('halves.png');
    const samples = [
      sampleOf(file, { x: 11, y: 1, width: 8, height: 8 }),
      sampleOf(await halves('other.png')),
      sampleOf(file, { x: 1, y: 1, width: 8, height: 8 }),
    ];
    const done: number[] = [];
    const pictures = await loadPictures(samples, preprocessing, { onProgress: (n) => done.push(n) });
    expect(pictures.data).toHaveLength(3 * 48);
    expect([0, 1, 2].map((index) => pixel(pictures.data, index))).toEqual([
      [0, 0, 255],
      [255, 0, 0],
      [255, 0, 0],
    ]);
    expect(done.at(-1)).toBe(3);
    expect(done).toHaveLength(2);
  });

  it('reads transparent, grey and palette pictures as RGB', async () => {
    const grey = join(folder, 'grey.jpg');
    await sharp({ create: { width: 8, height: 8, channels: 3, background: '#808080' } })
      .greyscale()
      .jpeg()
      .toFile(grey);
    const palette = join(folder, 'palette.png');
    await sharp({ create: { width: 8, height: 8, channels: 3, background: '#ff0000' } })
      .png({ palette: true })
      .toFile(palette);
    const samples = [sampleOf(await halves('alpha.png', 4)), sampleOf(grey), sampleOf(palette)];
    const { data } = await loadPictures(samples, preprocessing);
    expect([0, 1, 2].map((index) => pixel(data, index))).toEqual([
      [255, 0, 0],
      [128, 128, 128],
      [255, 0, 0],
    ]);
  });

  it('turns a picture as its EXIF orientation says, before it cuts', async () => {
    const file = join(folder, 'turned.jpg');
    // Stored 20×10 with red left; orientation 6 shows it turned clockwise: 10×20 with red above.
    await sharp(await halves('upright.png'))
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100 })
      .toFile(file);
    const boxes = [0, 12].map((y) => sampleOf(file, { x: 1, y, width: 8, height: 8 }));
    const { data } = await loadPictures(boxes, preprocessing);
    const [above, below] = [pixel(data, 0), pixel(data, 1)];
    expect(above[0]).toBeGreaterThan(200);
    expect(below[2]).toBeGreaterThan(200);
  });

  it('cuts what the whole picture has there, to the byte, of a JPEG in any orientation', async () => {
    const [width, height] = [90, 70];
    const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
    const stored = await sharp({ create: { width, height, channels: 3, background: '#808080', noise } })
      .jpeg({ quality: 80 })
      .toBuffer();
    const side = fc.integer({ min: 1, max: 40 });
    const place = fc.integer({ min: 0, max: 60 });
    const boxes = fc.array(fc.record({ x: place, y: place, width: side, height: side }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(boxes, fc.integer({ min: 1, max: 8 }), async (cut, orientation) => {
        const file = join(folder, 'noise.jpg');
        const encoded = await sharp(stored).withMetadata({ orientation }).jpeg().toBuffer();
        await writeFile(file, encoded);
        const { data: whole, info } = await sharp(encoded)
          .autoOrient()
          .raw()
          .toBuffer({ resolveWithObject: true });
        const raw = { width: info.width, height: info.height, channels: 3 as const };
        const { data } = await loadPictures(
          cut.map((box) => sampleOf(file, box)),
          preprocessing,
        );
        const { fit, kernel } = preprocessing.resize;
        for (const [i, box] of cut.entries()) {
          const expected = await sharp(whole, { raw })
            .extract(cropRegion(box, raw, 0)!)
            .resize(4, 4, { fit, kernel })
            .raw()
            .toBuffer();
          expect(Buffer.from(data.subarray(i * 48, (i + 1) * 48)).equals(expected)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('names a file that it cannot read', async () => {
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, 'not a picture');
    await expect(loadPictures([sampleOf(broken)], preprocessing)).rejects.toMatchObject({
      code: 'PICTURE_UNREADABLE',
      message: expect.stringContaining(broken) as string,
    });
  });

  it('names a truncated file', async () => {
    const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#123456' } })
      .jpeg()
      .toBuffer();
    const file = join(folder, 'truncated.jpg');
    await writeFile(file, whole.subarray(0, whole.length - 200));
    await expect(loadPictures([sampleOf(file)], preprocessing)).rejects.toMatchObject({
      code: 'PICTURE_UNREADABLE',
      message: expect.stringContaining(file) as string,
    });
  });

  it('names a sample whose box lies outside', async () => {
    const file = await halves('outside.png');
    const samples = [sampleOf(file, { x: 30, y: 0, width: 5, height: 5 })];
    await expect(loadPictures(samples, preprocessing)).rejects.toMatchObject({
      code: 'BOX_OUTSIDE_PICTURE',
      message: expect.stringContaining('light') as string,
    });
  });
});

describe('readSamples', () => {
  const limits = { classes: ['red', 'green'], conditions: ['night'] };
  const write = async (...lines: unknown[]) => {
    const file = join(folder, 'samples.jsonl');
    await writeFile(file, lines.map((l) => (typeof l === 'string' ? l : JSON.stringify(l))).join('\n'));
    return file;
  };
  const good = sampleOf('/a.png');

  it('reads one sample a line', async () => {
    expect(await readSamples(await write(good, '', { ...good, label: 1 }), limits)).toHaveLength(2);
  });

  it.each([
    ['a label without class', { ...good, label: 2 }],
    ['a condition without name', { ...good, conditions: [1] }],
    ['a missing field', { ...good, split: undefined }],
    ['no JSON', '{'],
  ])('names the line with %s', async (_, line) => {
    const file = await write(good, line);
    await expect(readSamples(file, limits)).rejects.toMatchObject({
      code: 'SPEC_INVALID',
      message: expect.stringContaining('line 2') as string,
    });
  });

  it('names a file that is not there', async () => {
    await expect(readSamples(join(folder, 'none.jsonl'), limits)).rejects.toMatchObject({
      code: 'SPEC_INVALID',
      message: expect.stringContaining('none.jsonl') as string,
    });
  });
});
