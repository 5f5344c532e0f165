/** Weights in fewer bytes come back as near as their bits allow, and zero comes back as zero. */
import fc from 'fast-check';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, type Engine } from '../../../src/training/engines/index.js';
import { wilson } from '../../../src/training/statistics/wilson.js';
import { tf } from '../../../src/training/tensorflow.js';
import { lightDrift, verdictOf, type LightAnswer } from '../../../src/training/variants/drift.js';
import { quantise } from '../../../src/training/variants/quantise.js';
import { writeVariant } from '../../../src/training/variants/variants.js';
import { DROWNED, writeHandMade } from '../../support/lightModel.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('cpu');
});
afterAll(() => engine.release());

const values = fc
  .array(fc.float({ noNaN: true, min: -50, max: 50 }), { minLength: 1, maxLength: 60 })
  .map((list) => Float32Array.from(list));

/** As TensorFlow.js reads it. */
async function readBack(list: Float32Array, to: 'uint8' | 'float16'): Promise<Float32Array> {
  const { data, quantization } = quantise(list, to);
  const entry = { name: 'w', shape: [list.length], dtype: 'float32' as const, quantization };
  const { w } = tf.io.decodeWeights(Uint8Array.from(data).buffer, [entry]) as { w: tf.Tensor };
  return (await w.data()) as Float32Array;
}

test('8 bits a tensor: no value is off by more than half a level and the nudge, and 0 stays 0', async () => {
  await fc.assert(
    fc.asyncProperty(values, async (list) => {
      const back = await readBack(list, 'uint8');
      const [low, high] = [Math.min(...list), Math.max(...list)];
      const level = (high - low) / 255;
      list.forEach((value, at) => expect(Math.abs(back[at]! - value)).toBeLessThanOrEqual(level + 1e-5));
      list.forEach((value, at) => {
        if (value === 0) expect(Math.abs(back[at]!)).toBeLessThan(1e-6);
      });
    }),
  );
});

test('16 bits: the nearest number that has them', async () => {
  await fc.assert(
    fc.asyncProperty(values, async (list) => {
      const back = await readBack(list, 'float16');
      expect([...back].map((value) => value + 0)).toEqual([...list].map((value) => Math.f16round(value) + 0));
    }),
  );
});

test('levels are those of tensorflowjs_converter', () => {
  // quantize_weights(np.array([-1, 0, 0.5, 3], np.float32), np.uint8): scale 4/255, 0 at level 64.
  const { data, quantization } = quantise(Float32Array.from([-1, 0, 0.5, 3]), 'uint8');
  expect([...data]).toEqual([0, 64, 96, 255]);
  expect(quantization.scale).toBeCloseTo(4 / 255, 12);
  expect(quantization.min).toBeCloseTo((-64 * 4) / 255, 12);
  // Of a range without 0 the minimum stays where it is; of one value every level is 0.
  expect(quantise(Float32Array.from([2, 4]), 'uint8').quantization.min).toBe(2);
  expect(quantise(Float32Array.from([0.25, 0.25]), 'uint8')).toMatchObject({
    quantization: { min: 0.25, scale: 1 },
  });
});

test('kernels are quantised, and what is one number of few is not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-variants-'));
  try {
    await writeHandMade(join(folder, 'stored'), DROWNED);
    const bytes = await writeVariant(join(folder, 'stored'), join(folder, 'uint8'), 'UINT8');
    const model = JSON.parse(await readFile(join(folder, 'uint8', 'model.json'), 'utf8'));
    const [kernel, bias] = model.weightsManifest[0].weights;
    expect(kernel.quantization).toMatchObject({ dtype: 'uint8', original_dtype: 'float32' });
    expect(bias.quantization).toBeUndefined();
    expect(bytes).toBe(6 + 8);
    expect((await readFile(join(folder, 'uint8', 'weights.bin'))).length).toBe(bytes);
    await expect(writeVariant(join(folder, 'uint8'), join(folder, 'twice'), 'UINT8')).rejects.toThrow(
      /already/,
    );
    await expect(writeVariant(join(folder, 'nowhere'), join(folder, 'x'), 'UINT8')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const answer = (id: string, label: number, scores: (number | null)[]): LightAnswer => ({
  ...{ id, label, scores },
  predicted: scores.indexOf(Math.max(...scores.map((score) => score ?? -1))),
});
const BOUND = { maxChangedShare: 0.05, maxScoreDifference: null };

test('drift is counted light by light, and accuracy with it', () => {
  const reference = [answer('a', 0, [0.9, 0.1]), answer('b', 1, [0.6, 0.4]), answer('c', 1, [0.2, 0.8])];
  const other = [answer('a', 0, [0.8, 0.2]), answer('b', 1, [0.4, 0.6]), answer('c', 1, [0.7, 0.3])];
  const drift = lightDrift(reference, other);
  expect(drift).toMatchObject({
    n: 3,
    changed: 2,
    referenceAccuracy: 2 / 3,
    accuracy: 2 / 3,
    accuracyDifference: 0,
  });
  expect(drift.maxScoreDifference).toBeCloseTo(0.5, 12);
  expect(drift.changedUpper).toBe(wilson(2, 3).upper);
  expect(() => lightDrift(reference, other.slice(1))).toThrow(RangeError);
});

test('a verdict is a pass only where the interval is within the bound', () => {
  const drift = (changed: number, n: number) =>
    lightDrift(
      Array.from({ length: n }, (_, at) => answer(String(at), 0, [0.9, 0.1])),
      Array.from({ length: n }, (_, at) => answer(String(at), 0, at < changed ? [0.1, 0.9] : [0.9, 0.1])),
    );
  expect(verdictOf(drift(0, 1000), BOUND)).toBe('OK');
  expect(verdictOf(drift(0, 20), BOUND)).toBe('INSUFFICIENT_DATA');
  expect(verdictOf(drift(2, 20), BOUND)).toBe('DRIFT');
  expect(verdictOf(drift(45, 1000), BOUND)).toBe('INSUFFICIENT_DATA');
  expect(verdictOf(drift(1, 1000), { maxChangedShare: 1, maxScoreDifference: 0.5 })).toBe('DRIFT');
  const broken = lightDrift([answer('a', 0, [0.9, 0.1])], [answer('a', 0, [null, 0.1])]);
  expect([broken.maxScoreDifference, verdictOf(broken, { ...BOUND, maxChangedShare: 1 })]).toEqual([
    null,
    'DRIFT',
  ]);
});
