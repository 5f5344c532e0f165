/** Losses against their formulas and numeric gradients; weights and mixed batches by count. */
import { crossEntropy, objective } from '../../../src/training/classificationLoss.js';
import { startEngine } from '../../../src/training/engines/index.js';
import { evenBatches } from '../../../src/training/input/batches.js';
import { mixedOrder, poolsOf } from '../../../src/training/input/mix.js';
import { itemWeights, type Weighting } from '../../../src/training/input/weighting.js';
import { tf } from '../../../src/training/tensorflow.js';

const LOGITS = [
  [2, -1, 0.5],
  [-0.3, 0.2, 4],
  [0, 0, 0],
  [9, -9, 1],
];
const LABELS = [0, 1, 2, 1];
const WEIGHTS = [1, 0.25, 2, 0.75];

/** In doubles, from the definition. */
function expected(logits: number[][], gamma: number, smoothing: number): number {
  const losses = logits.map((row, i) => {
    const total = row.reduce((sum, z) => sum + Math.exp(z), 0);
    const terms = row.map((z, c) => {
      const p = Math.exp(z) / total;
      const q = (1 - smoothing) * (c === LABELS[i] ? 1 : 0) + smoothing / row.length;
      return -q * (1 - p) ** gamma * Math.log(p);
    });
    return WEIGHTS[i]! * terms.reduce((a, b) => a + b);
  });
  return losses.reduce((a, b) => a + b) / logits.length;
}

describe.each(['wasm', 'cpu'] as const)('the objective on %s', (engine) => {
  beforeAll(() => startEngine(engine));
  const labels = () => tf.tensor1d(LABELS, 'int32');

  it.each([
    [0, 0],
    [2, 0],
    [0, 0.1],
    [0.5, 0.2],
    [1, 0.05],
  ])(
    'with γ %d and smoothing %d is its formula, and its gradient that of small steps',
    (gamma, smoothing) => {
      const options = { focalGamma: gamma, labelSmoothing: smoothing };
      const { value, grad } = tf.valueAndGrad((logits) =>
        objective(logits as tf.Tensor2D, labels(), tf.tensor1d(WEIGHTS), options),
      )(tf.tensor2d(LOGITS));
      expect(value.dataSync()[0]).toBeCloseTo(expected(LOGITS, gamma, smoothing), 5);
      const gradient = grad.dataSync();
      LOGITS.flat().forEach((_, at) => {
        const moved = (by: number) =>
          expected(
            LOGITS.map((row, r) => row.map((z, c) => (r * 3 + c === at ? z + by : z))),
            gamma,
            smoothing,
          );
        const step = 1e-5;
        expect(gradient[at]).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 5);
      });
    },
  );

  it('without focus, smoothing and weights is cross-entropy', () => {
    const logits = tf.tensor2d(LOGITS);
    const plain = tf.valueAndGrad((z) => crossEntropy(z as tf.Tensor2D, labels()))(logits);
    const options = { focalGamma: 0, labelSmoothing: 0 };
    const ours = tf.valueAndGrad((z) => objective(z as tf.Tensor2D, labels(), tf.ones([4]), options))(logits);
    expect(ours.value.dataSync()[0]).toBeCloseTo(plain.value.dataSync()[0]!, 5);
    const [a, b] = [ours.grad.dataSync(), plain.grad.dataSync()];
    a.forEach((slope, i) => expect(slope).toBeCloseTo(b[i]!, 6));
  });

  it('stays finite where the network is certain, rightly or wrongly', () => {
    const certain = tf.tensor2d([
      [80, -80, 0],
      [80, -80, 0],
    ]);
    for (const focalGamma of [0.5, 2]) {
      const { value, grad } = tf.valueAndGrad((z) =>
        objective(z as tf.Tensor2D, tf.tensor1d([0, 1], 'int32'), tf.ones([2]), {
          focalGamma,
          labelSmoothing: 0.1,
        }),
      )(certain);
      for (const one of [...value.dataSync(), ...grad.dataSync()]) expect(Number.isFinite(one)).toBe(true);
    }
  });

  it('leaves no tensor behind', () => {
    const logits = tf.variable(tf.tensor2d(LOGITS));
    const before = tf.memory().numTensors;
    const options = { focalGamma: 2, labelSmoothing: 0.1 };
    const { value, grads } = tf.variableGrads(
      () => objective(logits, labels(), tf.tensor1d(WEIGHTS), options),
      [logits],
    );
    tf.dispose([value, grads]);
    expect(tf.memory().numTensors).toBe(before);
    logits.dispose();
  });
});

describe('itemWeights', () => {
  const off: Weighting = {
    classWeighting: 'none',
    classWeights: {},
    conditionWeighting: 'none',
    conditionWeights: {},
  };
  // Six red, two green; two at night, one of those in rain as well.
  const items = [0, 0, 0, 0, 0, 0, 1, 1].map((label, i) => ({
    label,
    conditions: i === 0 ? [0, 1] : i === 7 ? [0] : [],
  }));
  const weigh = (change: Partial<Weighting>) =>
    itemWeights(items, ['RED', 'GREEN', 'OFF'], ['night', 'rain', 'snow'], { ...off, ...change });
  const total = (weights: ArrayLike<number>, of: number[]) => of.reduce((sum, i) => sum + weights[i]!, 0);

  it('is nothing where nothing is asked', () => expect(weigh({})).toBeNull());

  it('balances the classes that are there', () => {
    const weights = weigh({ classWeighting: 'balanced' })!;
    expect(total(weights, [0, 1, 2, 3, 4, 5])).toBeCloseTo(4, 12);
    expect(total(weights, [6, 7])).toBeCloseTo(4, 12);
  });

  it('takes given factors, of conditions that meet their product, at a mean of 1', () => {
    const weights = weigh({
      classWeighting: 'given',
      classWeights: { GREEN: 3 },
      conditionWeighting: 'given',
      conditionWeights: { night: 2, rain: 5 },
    })!;
    const ratios = Array.from(weights, (weight) => weight / weights[1]!);
    [10, 1, 1, 1, 1, 1, 3, 6].forEach((ratio, i) => expect(ratios[i]).toBeCloseTo(ratio, 12));
    expect(total(weights, [...items.keys()])).toBeCloseTo(8, 12);
  });

  it('lifts rare conditions by the mean of what they miss', () => {
    const weights = weigh({ conditionWeighting: 'balanced' })!;
    // Two conditions are there, of 2 and 1 in 8: factors 2 and 4, and 3 for the one in both.
    const ratios = Array.from(weights, (weight) => weight / weights[1]!);
    [3, 1, 1, 1, 1, 1, 1, 2].forEach((ratio, i) => expect(ratios[i]).toBeCloseTo(ratio, 12));
  });
});

describe('mixed batches', () => {
  // 100 items: 0-4 night, 3-12 rain, the others neither.
  const conditionsOf = (index: number) => [
    ...(index < 5 ? [1] : []),
    ...(index >= 3 && index < 13 ? [2] : []),
    ...(index % 2 ? [0] : []),
  ];
  const all = Uint32Array.from({ length: 100 }, (_, i) => i);
  const pools = () => poolsOf(all, conditionsOf, ['night', 'rain'], ['odd', 'night', 'rain', 'snow']);

  it('have a pool for each condition and one for the rest', () => {
    expect(pools().map(({ name, indices }) => [name, indices.length])).toEqual([
      ['night', 5],
      ['rain', 10],
      [null, 87],
    ]);
  });

  it('hold as many of each, give or take one, and use all of a pool before any again', () => {
    const order = mixedOrder(pools(), 100, 7, 1);
    for (const batch of evenBatches(order, 16)) {
      const night = batch.filter((index) => index < 5).length;
      const rest = batch.filter((index) => index >= 13).length;
      expect(Math.abs(rest - batch.length / 3)).toBeLessThanOrEqual(1);
      expect(night).toBeGreaterThanOrEqual(Math.floor(batch.length / 3));
    }
    const turns = order.filter((_, position) => position % 3 === 0);
    for (let from = 0; from + 5 <= turns.length; from += 5)
      expect([...turns.subarray(from, from + 5)].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('follow from seed and epoch', () => {
    expect(mixedOrder(pools(), 100, 7, 2)).toEqual(mixedOrder(pools(), 100, 7, 2));
    expect(mixedOrder(pools(), 100, 7, 2)).not.toEqual(mixedOrder(pools(), 100, 7, 1));
    expect(mixedOrder(pools(), 100, 8, 1)).not.toEqual(mixedOrder(pools(), 100, 7, 1));
  });

  it('cannot be made of a condition that has nothing', () => {
    expect(() => poolsOf(all, conditionsOf, ['snow'], ['odd', 'night', 'rain', 'snow'])).toThrow(
      /condition snow/,
    );
  });
});
