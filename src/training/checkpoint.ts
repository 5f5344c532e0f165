/**
 * The complete state of a training run: what follows from it is the same, to the last bit on one engine, as what
 * would have followed without the interruption. A folder: `state.json`, and `tensors.bin` (float32, little endian).
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TrainingError } from './error.js';
import { writeFolderAtomic } from './files.js';
import { metricSchema, trainingParametersSchema } from './protocol.js';

export const CHECKPOINTS = 'checkpoints';
/** A worker may still be copying an older one when the next is written; three leave it two epochs of time. */
const KEPT = 3;

/** What else a task counts is its own. */
const tallySchema = z.looseObject({ lossSum: z.number(), n: z.int() });
const stateSchema = z.object({
  version: z.literal(1),
  parameters: trainingParametersSchema,
  classes: z.array(z.string()),
  conditions: z.array(z.string()),
  trainSamples: z.int(),
  validationSamples: z.int(),
  /** The epoch that is under way, counted from 1, and how many of its batches are done. */
  epoch: z.int().min(1),
  batch: z.int().min(0),
  imagesDone: z.int().min(0),
  /** Sums over the batches of this epoch that are done. */
  running: tallySchema,
  earlyStopping: z.object({ bestEpoch: z.int(), bestLoss: z.number(), waited: z.int() }).nullable(),
  history: z.array(z.object({ epoch: z.int(), metrics: z.array(metricSchema) })),
  optimizerStep: z.int().min(0),
});
export type CheckpointState = z.infer<typeof stateSchema>;
export type EpochHistory = CheckpointState['history'];

export interface Checkpoint {
  state: CheckpointState;
  weights: Float32Array;
  /** Weights of the best epoch; null before the first epoch ends. */
  best: Float32Array | null;
  /** The optimiser's state vectors. */
  optimizer: Float32Array[];
}

const layoutSchema = z.array(z.object({ name: z.string(), length: z.int().min(0) }));

/** Returns the checkpoint's folder relative to `outputDir`. */
export async function writeCheckpoint(outputDir: string, checkpoint: Checkpoint): Promise<string> {
  const { state, weights, best, optimizer } = checkpoint;
  const tensors: [string, Float32Array][] = [
    ['weights', weights],
    ...(best ? [['best', best] as [string, Float32Array]] : []),
    ...optimizer.map((vector): [string, Float32Array] => ['optimizer', vector]),
  ];
  const layout = tensors.map(([name, values]) => ({ name, length: values.length }));
  const bytes = Buffer.concat(tensors.map(([, v]) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)));
  // Sorts by progress: the digits keep 'epoch-0010' after 'epoch-0009'.
  const name = `epoch-${String(state.epoch).padStart(4, '0')}-batch-${String(state.batch).padStart(6, '0')}`;
  await mkdir(join(outputDir, CHECKPOINTS), { recursive: true });
  await writeFolderAtomic(join(outputDir, CHECKPOINTS, name), {
    'state.json': JSON.stringify({ ...state, tensors: layout }),
    'tensors.bin': bytes,
  });
  await removeOld(join(outputDir, CHECKPOINTS));
  return join(CHECKPOINTS, name);
}

async function removeOld(folder: string): Promise<void> {
  const complete = (await readdir(folder)).filter((name) => /^epoch-\d+-batch-\d+$/.test(name)).sort();
  for (const name of complete.slice(0, -KEPT)) await rm(join(folder, name), { recursive: true, force: true });
}

export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  try {
    const json: unknown = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'));
    const state = stateSchema.parse(json);
    const layout = layoutSchema.parse((json as { tensors: unknown }).tensors);
    const bytes = Uint8Array.from(await readFile(join(folder, 'tensors.bin')));
    const expected = layout.reduce((sum, { length }) => sum + 4 * length, 0);
    if (bytes.byteLength !== expected)
      throw new Error(`tensors.bin has ${bytes.byteLength} bytes, not ${expected}`);
    let offset = 0;
    const tensors = layout.map(({ name, length }) => {
      const values = new Float32Array(bytes.buffer, offset, length);
      offset += 4 * length;
      return { name, values };
    });
    const named = (name: string) =>
      tensors.filter((tensor) => tensor.name === name).map(({ values }) => values);
    return {
      state,
      weights: named('weights')[0]!,
      best: named('best')[0] ?? null,
      optimizer: named('optimizer'),
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('CHECKPOINT_INVALID', `Checkpoint ${folder} cannot be read: ${why}`, { cause });
  }
}
