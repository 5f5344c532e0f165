import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { renderShot } from '../../../seeds/demo.js';
import { planDemo } from '../../../seeds/plan.js';
import {
  DARKNESS_NIGHT_THRESHOLD,
  inspectPicture,
  timeOfDayFromDarkness,
} from '../../../src/catalog/image/picture/index.js';
import { plain, testWithData } from './files.js';

/** Darkness of every photo of a folder. */
async function measureFolder(folder: string): Promise<number[]> {
  const measured: number[] = [];
  for (const file of await readdir(folder))
    measured.push((await inspectPicture(join(folder, file))).darkness);
  return measured;
}

test('black is 1, white is 0, and the weights are those of Rec. 601', async () => {
  const darknessOf = async (colour: string) =>
    (await inspectPicture(await plain(30, 30, colour).png().toBuffer())).darkness;
  expect(await darknessOf('#000000')).toBe(1);
  expect(await darknessOf('#ffffff')).toBeCloseTo(0, 10);
  expect(await darknessOf('#ff0000')).toBeCloseTo(1 - 0.299, 10);
  expect(await darknessOf('#00ff00')).toBeCloseTo(1 - 0.587, 10);
  expect(await darknessOf('#0000ff')).toBeCloseTo(1 - 0.114, 10);
});

test('neither a lit street below nor a lamp in the sky makes a day of a night', async () => {
  const white = await plain(300, 100, '#ffffff').png().toBuffer();
  const lamp = await plain(60, 40, '#ffffff').png().toBuffer();
  const street = plain(300, 240, '#101018').composite([
    { input: white, left: 0, top: 140 },
    { input: lamp, left: 100, top: 10 },
  ]);
  const { darkness, brightness } = await inspectPicture(await street.png().toBuffer());
  expect(darkness).toBeGreaterThan(0.9);
  expect(brightness).toBeGreaterThan(0.4);
});

test('the threshold itself is night', () => {
  expect(timeOfDayFromDarkness(DARKNESS_NIGHT_THRESHOLD)).toBe('NIGHT');
  expect(timeOfDayFromDarkness(DARKNESS_NIGHT_THRESHOLD - 1e-9)).toBe('DAY');
});

test('rendered day and night scenes of two seeds lie on their sides, 0.02 off the threshold', async () => {
  for (const seed of [1, 7]) {
    for (const shot of planDemo(24, seed).filter(({ timeOfDay }) => timeOfDay !== 'DAWN_DUSK')) {
      const { darkness } = await inspectPicture((await renderShot(shot, seed)).jpeg);
      const margin = (darkness - DARKNESS_NIGHT_THRESHOLD) * (shot.timeOfDay === 'NIGHT' ? 1 : -1);
      expect(margin).toBeGreaterThan(0.02);
    }
  }
});

testWithData(
  'day-night',
  'all 80 real photos lie on their side of the threshold, 0.04 off',
  async (folder) => {
    const day = await measureFolder(join(folder, 'day'));
    const night = await measureFolder(join(folder, 'night'));
    expect([day.length, night.length]).toEqual([40, 40]);
    expect(Math.max(...day)).toBeLessThan(DARKNESS_NIGHT_THRESHOLD - 0.04);
    expect(Math.min(...night)).toBeGreaterThan(DARKNESS_NIGHT_THRESHOLD + 0.04);
  },
);

testWithData(
  'street',
  'daytime photos that the threshold was not chosen on are day, 0.15 off',
  async (folder) => {
    const measured = await measureFolder(folder);
    expect(measured.length).toBeGreaterThan(0);
    expect(Math.max(...measured)).toBeLessThan(DARKNESS_NIGHT_THRESHOLD - 0.15);
  },
);
