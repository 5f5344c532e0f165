/** What a detector finds on drives that it never saw: windows of rendered streets, cut without scaling. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { renderDemo, type ManifestBox, type ManifestRow } from '../seeds/index.js';
import { startEngine } from '../src/training/engines/index.js';
import { trainingParametersSchema, type Frame, type Metric } from '../src/training/protocol.js';
import { generator } from '../src/training/random.js';
import { train } from '../src/training/trainer.js';
import type { Benchmark } from './support/harness.js';

const CLASSES = ['GREEN', 'RED', 'YELLOW'];
const SCENE = { width: 640, height: 360 };
const WINDOW = { width: 128, height: 96 };
/** Of three windows of a scene two are around a light. */
const WINDOWS = 3;
/** Every so many drives one is held out. */
const HELD_OUT = 6;
const SHOWN = ['recall', 'precision', 'color_accuracy', 'ap50'];

const within = (value: number, most: number) => Math.round(Math.min(Math.max(value, 0), most));

/** What of a light is in the window; ignored where its colour is not asked for, or less than half of it is there. */
function seen(
  { x, y, width, height, color }: ManifestBox,
  view: typeof SCENE,
  left: number,
  top: number,
): Frame['boxes'] {
  const [from, above] = [Math.max(0, x - left), Math.max(0, y - top)];
  const to = Math.min(view.width, x + width - left);
  const below = Math.min(view.height, y + height - top);
  if (to <= from || below <= above) return [];
  const box = { x: from, y: above, width: to - from, height: below - above };
  const label = CLASSES.indexOf(color ?? '');
  const ignore = label < 0 || (box.width * box.height) / (width * height) < 0.5;
  return [{ ...box, label: label < 0 ? null : label, ignore }];
}

/** The scenes, and which split each is in: drives are held out whole. */
async function scenesOf(folder: string): Promise<(ManifestRow & { split: Frame['split'] })[]> {
  const text = await readFile(join(folder, 'manifest.jsonl'), 'utf8');
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestRow);
  const drives = [...new Set(rows.map(({ drive }) => drive))];
  return rows.map((row) => ({
    ...row,
    boxes: row.boxes.filter(({ category }) => category === 'TRAFFIC_LIGHT'),
    split: drives.indexOf(row.drive) % HELD_OUT === 0 ? 'VALIDATION' : 'TRAIN',
  }));
}

async function wholeFrames(folder: string): Promise<Frame[]> {
  return (await scenesOf(folder)).map(({ file, split, boxes }) => ({
    ...{ id: file, file: join(folder, file), split, conditions: [] },
    boxes: boxes.flatMap((one) => seen(one, SCENE, 0, 0)),
  }));
}

async function windowsOf(folder: string): Promise<Frame[]> {
  const random = generator(3);
  const frames: Frame[] = [];
  for (const [i, { file, split, boxes: lights }] of (await scenesOf(folder)).entries()) {
    for (let k = 0; k < WINDOWS; k++) {
      const light = lights[Math.floor(random() * lights.length)];
      const around = light && k < 2;
      const x = around
        ? light.x + light.width / 2 - WINDOW.width * (0.1 + 0.8 * random())
        : random() * (SCENE.width - WINDOW.width);
      const y = around
        ? light.y + light.height / 2 - WINDOW.height * (0.15 + 0.7 * random())
        : random() * (SCENE.height - WINDOW.height);
      const left = within(x, SCENE.width - WINDOW.width);
      const top = within(y, SCENE.height - WINDOW.height);
      const id = `${i}-${k}`;
      const target = join(folder, `${id}.png`);
      await sharp(join(folder, file))
        .extract({ left, top, ...WINDOW })
        .toFile(target);
      const inside = lights.flatMap((one) => seen(one, WINDOW, left, top));
      frames.push({ id, file: target, split, conditions: [], boxes: inside });
    }
  }
  return frames;
}

/** Learnt as they are, or by the windows that the training itself cuts from frames and judged by the whole of these. */
const WINDOWED = {
  ...{ inputWidth: WINDOW.width, inputHeight: WINDOW.height, batchSize: 8 },
  augmentation: { shift: 0 },
};
const WHOLE = {
  ...{ inputWidth: 640, inputHeight: 352, windowWidth: WINDOW.width, windowHeight: WINDOW.height },
  ...{ windowsPerFrame: 4, batchSize: 2 },
};

async function learn(
  frames: Frame[],
  chosen: object,
  folder: string,
  epochs: number,
  say: (line: string) => void,
) {
  const outputDir = join(folder, 'run');
  await mkdir(outputDir);
  const samplesFile = join(outputDir, 'frames.jsonl');
  await writeFile(samplesFile, frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
  const { name } = await startEngine('auto');
  const parameters = trainingParametersSchema.parse({
    ...{ task: 'LIGHT_DETECTION', widthMultiplier: 0.35, epochs, patience: null, ...chosen },
  });
  let last: Metric[] = [];
  const job = {
    signal: new AbortController().signal,
    send: (message: { type: string; epoch?: number | null; metrics?: Metric[] }) => {
      if (message.type === 'epoch') {
        last = message.metrics!.filter((one) => one.split === 'VALIDATION' && SHOWN.includes(one.name));
        say(
          `${name}, epoch ${message.epoch}: ${last.map((one) => `${one.name} ${one.value.toFixed(3)}`).join(', ')}`,
        );
      }
      return Promise.resolve();
    },
  };
  const about = { kind: 'TRAINING', engine: name, classes: CLASSES, conditions: [] } as const;
  await train(
    { ...about, conditions: [], samplesFile, outputDir, parameters, resumeFrom: null, startFrom: null },
    job,
  );
  return Object.fromEntries(last.map((one) => [one.name, one.value]));
}

export const bench: Benchmark = {
  title:
    'A detector on windows of rendered streets: what it finds on drives that were held out (IoU 0.5, score 0.3).',
  /** whole: 1 judges by whole frames. */
  options: { images: 700, epochs: 12, whole: 0 },
  targets: { recall: { min: 0.6 } },
  async run({ images, epochs, whole }, say) {
    const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
    try {
      await renderDemo(folder, { images, seed: 11 });
      return whole
        ? await learn(await wholeFrames(folder), WHOLE, folder, epochs!, say)
        : await learn(await windowsOf(folder), WINDOWED, folder, epochs!, say);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
