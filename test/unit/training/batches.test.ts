import fc from 'fast-check';
import { evenBatches, shuffled } from '../../../src/training/input/batches.js';
import { inputBatch } from '../../../src/training/input/lightBatch.js';
import { defaultPreprocessing } from '../../../src/training/input/preprocessing.js';
import { startEngine } from '../../../src/training/engines/index.js';

const indices = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

describe('evenBatches', () => {
  it('holds every index once, in order, in batches that differ by at most one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 64 }), (n, batchSize) => {
        const batches = evenBatches(indices(n), batchSize);
        const sizes = batches.map(({ length }) => length);
        expect(batches.flatMap((batch) => Array.from(batch))).toEqual(Array.from(indices(n)));
        expect(batches).toHaveLength(Math.ceil(n / batchSize));
        if (n) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        if (n) expect(Math.max(...sizes)).toBeLessThanOrEqual(batchSize);
      }),
    );
  });

  it('leaves no sample alone', () => {
    expect(evenBatches(indices(33), 32).map(({ length }) => length)).toEqual([16, 17]);
  });
});

describe('shuffled', () => {
  it('is a permutation that follows from seed and epoch', () => {
    const first = shuffled(indices(100), 1, 1);
    expect(Array.from(first).sort((a, b) => a - b)).toEqual(Array.from(indices(100)));
    expect(shuffled(indices(100), 1, 1)).toEqual(first);
    expect(shuffled(indices(100), 1, 2)).not.toEqual(first);
    expect(shuffled(indices(100), 2, 1)).not.toEqual(first);
  });

  it('puts every index first about equally often', () => {
    const counts = new Array<number>(5).fill(0);
    for (let epoch = 0; epoch < 5000; epoch++) counts[shuffled(indices(5), 9, epoch)[0]!]! += 1;
    // 1000 expected, standard deviation 28.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(140);
  });
});

describe('inputBatch', () => {
  // Two pictures of 3×3 pixels; red is 10·row + column, picture 1 has 100 more.
  const data = Uint8Array.from({ length: 2 * 27 }, (_, k) => {
    const pixel = Math.floor(k / 3) % 9;
    return k % 3 ? 0 : (k < 27 ? 0 : 100) + 10 * Math.floor(pixel / 3) + (pixel % 3);
  });
  const pictures = { data, inputSize: 3, length: 2 };
  const bytes = { ...defaultPreprocessing(3), scale: 1, offset: 0 };
  const reds = (values: Float32Array) => Array.from(values).filter((_, k) => k % 3 === 0);

  beforeAll(() => startEngine('cpu'));

  it('picks pictures in the order asked for', async () => {
    const batch = inputBatch(pictures, Uint32Array.of(1, 0), bytes);
    expect(batch.shape).toEqual([2, 3, 3, 3]);
    const values = reds(await batch.data<'float32'>());
    expect(values).toEqual([100, 101, 102, 110, 111, 112, 120, 121, 122, 0, 1, 2, 10, 11, 12, 20, 21, 22]);
  });

  it('scales bytes to -1…1', async () => {
    const ends = { data: Uint8Array.of(0, 255, 0), inputSize: 1, length: 1 };
    const values = await inputBatch(ends, Uint32Array.of(0), defaultPreprocessing(1)).data();
    expect(Array.from(values)).toEqual([-1, 1, -1]);
  });
});
