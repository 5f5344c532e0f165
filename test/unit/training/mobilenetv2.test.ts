import { startEngine } from '../../../src/training/engines/index.js';
import { buildClassifier } from '../../../src/training/networks/build.js';
import { stridesFor } from '../../../src/training/networks/mobilenetv2.js';
import { makeDivisible } from '../../../src/training/networks/network.js';
import { readWeights } from '../../../src/training/weights.js';
import { tf } from '../../../src/training/tensorflow.js';

beforeAll(() => startEngine('wasm'));

const small = { algorithm: 'mobilenetv2', inputSize: 32, widthMultiplier: 0.35, seed: 1 } as const;
const mobilenetv2 = (
  change: Partial<Record<'inputSize' | 'widthMultiplier' | 'seed', number>> = {},
  classes = 3,
) => buildClassifier({ ...small, ...change }, classes);

describe('makeDivisible', () => {
  it.each([
    [32 * 0.35, 16],
    [24 * 0.35, 8],
    [16 * 0.35, 8],
    [160 * 0.35, 56],
    [96 * 0.75, 72],
    [1280 * 1.4, 1792],
    [3, 8],
  ])('%d → %i', (channels, expected) => expect(makeDivisible(channels)).toBe(expected));
});

describe('stridesFor', () => {
  const total = (inputSize: number) => {
    const { stem, stages } = stridesFor(inputSize);
    return stages.reduce((a, b) => a * b, stem);
  };

  it("keeps the paper's strides where 2×2 are left", () => {
    expect(stridesFor(224)).toEqual({ stem: 2, stages: [1, 2, 2, 2, 1, 2, 1] });
    expect(total(64)).toBe(32);
  });

  it('drops the earliest first', () => {
    expect(stridesFor(32).stages).toEqual([1, 1, 2, 2, 1, 2, 1]);
    expect([48, 32, 16].map(total)).toEqual([16, 16, 8]);
  });
});

describe('mobilenetv2', () => {
  it('has the size of the published network', () => {
    // Keras' MobileNetV2 at width 1 for 1000 classes: 3,538,984 parameters, of which 34,112 are moving averages.
    const model = mobilenetv2({ inputSize: 224, widthMultiplier: 1 }, 1000);
    const trainable = model.trainableWeights.reduce(
      (sum, w) => sum + tf.util.sizeFromShape(w.shape as number[]),
      0,
    );
    expect(model.countParams()).toBe(3_538_984);
    expect(trainable).toBe(3_504_872);
    expect(model.getLayer('head_relu6').outputShape).toEqual([null, 7, 7, 1280]);
    model.dispose();
  });

  it.each([
    [224, []],
    // At width 0.35 stages 1 and 2 both have 8 channels, and at 32 px stage 2 keeps its resolution.
    [32, ['stage2_block1']],
  ])('at %i px has a shortcut where stride is 1 and channels stay', (inputSize, more) => {
    const model = mobilenetv2({ inputSize });
    const blocks = model.layers.flatMap(({ name }) => (name.endsWith('_add') ? [name.slice(0, -4)] : []));
    const repeats = { stage2: 2, stage3: 3, stage4: 4, stage5: 3, stage6: 3 };
    const expected = Object.entries(repeats).flatMap(([stage, n]) =>
      Array.from({ length: n - 1 }, (_, i) => `${stage}_block${i + 2}`),
    );
    expect(blocks.sort()).toEqual([...more, ...expected].sort());
    model.dispose();
  });

  it('follows from its seed', async () => {
    const weights = async (seed: number) => {
      const model = mobilenetv2({ seed });
      const values = await readWeights(model);
      model.dispose();
      return values;
    };
    const first = await weights(1);
    expect(await weights(1)).toEqual(first);
    expect(await weights(2)).not.toEqual(first);
  });

  it('gives probabilities, near 1/classes at the start', async () => {
    const model = mobilenetv2();
    const x = tf.randomUniform([2, 32, 32, 3], -1, 1, 'float32', 1);
    const y = model.apply(x, { training: true }) as tf.Tensor2D;
    const rows = await y.array();
    for (const row of rows) {
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      for (const p of row) expect(Math.abs(p - 1 / 3)).toBeLessThan(0.2);
    }
    model.dispose();
  });
});
