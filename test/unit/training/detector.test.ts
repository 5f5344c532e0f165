/** The pretrained detector: what it finds on photos, where it says that it is, and that it keeps no memory. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { STREET_LIGHTS } from '../../../bench/support/street.js';
import { iou, suppress, type Found } from '../../../src/training/detector/boxes.js';
import { loadDetector, type CocoName, type Detector } from '../../../src/training/detector/detector.js';
import { inPicture, SIDE, viewsOf } from '../../../src/training/detector/views.js';
import { startEngine } from '../../../src/training/engines/index.js';
import { tf } from '../../../src/training/tensorflow.js';
import { plain, plasma, testWithData } from '../picture/files.js';

let detector: Detector;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-detector-'));
  await startEngine('wasm');
  detector = await loadDetector();
});
afterAll(async () => {
  detector.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function saved(name: string, picture: Sharp): Promise<string> {
  const path = join(folder, name);
  await picture.toFile(path);
  return path;
}
const at = (classIndex: number, score: number, box: [number, number, number, number]): Found => {
  const [x, y, width, height] = box;
  return { classIndex, score, x, y, width, height };
};

testWithData('street', 'each traffic light of the street is found where a person sees it', async (street) => {
  for (const light of STREET_LIGHTS) {
    const found = await detector.detect(join(street, light.file));
    const lights = found.filter(({ name }) => name === 'traffic light');
    expect([light.file, lights.some((box) => iou(box, light) > 0.6)]).toEqual([light.file, true]);
    // The bonnet of the camera's own car is no car, and there is no other.
    expect(found.filter(({ name }) => name !== 'traffic light')).toEqual([]);
    expect(lights.length).toBeLessThanOrEqual(2);
  }
});

testWithData(
  'street',
  'without tiles it takes a fifth of the work, and misses one light of nine',
  async (street) => {
    let found = 0;
    for (const light of STREET_LIGHTS) {
      const boxes = await detector.detect(join(street, light.file), { tiles: false });
      found += Number(boxes.some((box) => box.name === 'traffic light' && iou(box, light) > 0.6));
    }
    expect(found).toBe(8);
  },
);

/** A roundabout from above: boxes by eye. */
const ROUNDABOUT: [CocoName, { x: number; y: number; width: number; height: number }][] = [
  ['car', { x: 191, y: 279, width: 175, height: 114 }],
  ['car', { x: 593, y: 100, width: 45, height: 30 }],
  ['car', { x: 523, y: 95, width: 50, height: 34 }],
  ['car', { x: 488, y: 147, width: 71, height: 63 }],
  ['truck', { x: 315, y: 97, width: 136, height: 86 }],
  ['person', { x: 608, y: 494, width: 42, height: 97 }],
  ['person', { x: 673, y: 493, width: 36, height: 88 }],
];

testWithData('day-night', 'cars, a truck and people are found, each as what it is', async (photos) => {
  const found = await detector.detect(join(photos, 'day', '20151102_072559.jpg'));
  for (const [name, box] of ROUNDABOUT) {
    const there = found.some((one) => one.name === name && iou(one, box) > 0.5);
    expect([name, box.x, there]).toEqual([name, box.x, true]);
  }
});

testWithData(
  'street',
  'a photo that the camera turned gives boxes of the picture as it is shown',
  async (street) => {
    const light = STREET_LIGHTS[2]!;
    const upright = join(street, light.file);
    const { width, height } = await sharp(upright).metadata();
    // Stored lying (a quarter to the left), shown upright by orientation 6.
    const lying = await saved('turned.png', sharp(upright).rotate(270));
    const turned = await saved(
      'turned.jpg',
      sharp(lying).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }),
    );
    expect(await viewsOf(turned, false)).toMatchObject({ width, height });
    const found = await detector.detect(turned);
    expect(found.some((box) => box.name === 'traffic light' && iou(box, light) > 0.6)).toBe(true);
  },
);

test('no tensor is left behind, whatever the picture', async () => {
  const picture = await saved('plasma.jpg', plasma(300, 200).jpeg());
  const broken = join(folder, 'broken.jpg');
  await writeFile(broken, 'no picture');
  await detector.detect(picture);
  const { numTensors } = tf.memory();
  for (let n = 0; n < 2; n++) {
    await detector.detect(picture, { minScore: 0, tiles: n > 0 });
    await expect(detector.detect(broken)).rejects.toMatchObject({ code: 'PICTURE_UNREADABLE' });
  }
  expect(tf.memory().numTensors).toBe(numTensors);
});

test('boxes lie within the picture and have an area, however low the score', async () => {
  const [width, height] = [301, 97];
  const found = await detector.detect(await saved('wide.png', plasma(width, height).png()), {
    minScore: 0.01,
  });
  expect(found.length).toBeGreaterThan(5);
  for (const box of found) {
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.y).toBeGreaterThanOrEqual(0);
    expect(box.width).toBeGreaterThan(0);
    expect(box.height).toBeGreaterThan(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width + 0.02);
    expect(box.y + box.height).toBeLessThanOrEqual(height + 0.02);
  }
  const scores = found.map(({ score }) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
});

test.each([
  ['grey', () => plain(40, 30, '#777').toColourspace('b-w').png()],
  ['with 16 bits', () => plain(40, 30, '#777').toColourspace('rgb16').png()],
  ['see-through', () => plain(40, 30, '#777').ensureAlpha(0.5).png()],
  ['in CMYK', () => plain(40, 30, '#777').toColourspace('cmyk').jpeg()],
  ['of one pixel', () => plain(1, 1, '#777').png()],
])('a picture that is %s is seen in RGB', async (name, make) => {
  const { views } = await viewsOf(await saved(`odd ${name}`, make()), true);
  expect(views.map(({ pixels }) => pixels.length)).toEqual(Array(5).fill(SIDE * SIDE * 3));
});

test('a file that is not there fails as the file system says it', async () => {
  await expect(detector.detect(join(folder, 'none.jpg'))).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('which boxes are one object', () => {
  test('those that overlap by more than half, and the lamp within its light; the best stays', () => {
    const light = at(9, 0.5, [100, 100, 30, 100]);
    const lamp = at(9, 0.4, [103, 165, 24, 30]);
    const shifted = at(9, 0.6, [102, 104, 30, 100]);
    expect(suppress([light, lamp, shifted])).toEqual([shifted]);
  });

  test('not those of other classes, unless they claim the very same', () => {
    const person = at(0, 0.5, [100, 100, 30, 60]);
    const bicycle = at(1, 0.4, [95, 120, 40, 45]);
    const car = at(2, 0.5, [300, 100, 80, 50]);
    const truck = at(7, 0.6, [301, 100, 80, 50]);
    expect(suppress([person, bicycle, car, truck])).toEqual([truck, person, bicycle]);
  });

  test('not neighbours', () => {
    const row = [0, 25, 50].map((x) => at(2, 0.5, [x, 0, 30, 20]));
    expect(suppress(row)).toHaveLength(3);
  });
});

describe('a quarter of the picture', () => {
  const picture = { width: 922, height: 922, views: [] };
  const view = { left: 410, top: 0, scale: 1, pixels: new Uint8Array() };

  test('says nothing of what its inner edges cut, for another view has it whole', () => {
    expect(inPicture(at(2, 0.5, [2, 100, 60, 40]), view, picture)).toBeNull();
    expect(inPicture(at(2, 0.5, [100, 480, 60, 40]), view, picture)).toBeNull();
  });

  test('keeps what the edge of the picture cuts', () => {
    expect(inPicture(at(2, 0.5, [480, -5, 60, 40]), view, picture)).toMatchObject({
      ...{ x: 890, y: 0, width: 32, height: 35 },
    });
  });
});
