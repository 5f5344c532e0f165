/** A process that trains on camera-sized pictures, twice with one cache: how much of its time it waits for them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { startEngine } from '../../src/training/engines/index.js';
import { trainingParametersSchema, type EngineName, type Sample } from '../../src/training/protocol.js';
import { train } from '../../src/training/trainer.js';

/** Shares from 0 to 1. */
export interface WaitingShares {
  first: number;
  again: number;
}

const [engine, pictures, epochs] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
const CLASSES = ['red', 'yellow', 'green'];
/** A light in each picture: the most decoding that a training can ask for. */
const samples: Sample[] = [];
for (let i = 0; i < Number(pictures); i++) {
  const file = join(folder, `${i}.jpg`);
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 };
  await sharp({ create: { width: 1280, height: 720, channels: 3, background: '#808080', noise } })
    .jpeg({ quality: 90 })
    .toFile(file);
  const box = { x: 40 + i, y: 300, width: 24, height: 60 };
  samples.push({
    id: String(i),
    file,
    box,
    label: i % 3,
    split: i % 5 ? 'TRAIN' : 'VALIDATION',
    conditions: [],
  });
}
const samplesFile = join(folder, 'samples.jsonl');
await writeFile(samplesFile, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
await startEngine(engine as EngineName);

async function shareOf(name: string): Promise<number> {
  const outputDir = join(folder, name);
  await mkdir(outputDir);
  let percent: string | undefined;
  await train(
    {
      kind: 'TRAINING',
      engine: 'auto',
      samplesFile,
      classes: CLASSES,
      conditions: [],
      outputDir,
      resumeFrom: null,
      startFrom: null,
      parameters: trainingParametersSchema.parse({ epochs: Number(epochs), patience: null }),
      decodedCache: { folder: join(folder, 'decoded'), bytes: 2 ** 30 },
    },
    {
      signal: new AbortController().signal,
      send: async (message) => {
        if (message.type === 'log') percent ??= /waited for data ([\d.]+) %/.exec(message.message)?.[1];
      },
    },
  );
  if (percent === undefined) throw new Error('The trainer did not say how long it waited.');
  return Number(percent) / 100;
}

const shares: WaitingShares = { first: await shareOf('first'), again: await shareOf('again') };
await rm(folder, { recursive: true });
process.send!(shares, () => process.exit(0));
