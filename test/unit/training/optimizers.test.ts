import { startEngine } from '../../../src/training/engines/index.js';
import { MovingAverage } from '../../../src/training/movingAverage.js';
import { adam, createOptimizer, Optimizer, sgd } from '../../../src/training/optimizers.js';
import { trainingParametersSchema } from '../../../src/training/protocol.js';
import { cosineRate, learningRateAt } from '../../../src/training/schedule.js';
import { tf, tfl } from '../../../src/training/tensorflow.js';
import { readWeights, writeWeights } from '../../../src/training/weights.js';

beforeAll(() => startEngine('cpu'));

const variables = () => [
  tf.variable(
    tf.tensor2d([
      [1, -2],
      [3, 0.5],
    ]),
  ),
  tf.variable(tf.tensor1d([0.1, -4, 2])),
];
/** A different gradient at each step. */
const gradientsAt = (step: number) => [
  tf.tensor2d([
    [Math.sin(step), 2],
    [-0.3 * step, 1e-4],
  ]),
  tf.tensor1d([step, -1, Math.cos(step)]),
];
const values = (tensors: tf.Variable[]) => tensors.flatMap((tensor) => Array.from(tensor.dataSync()));

describe.each([
  ['adam', () => tf.train.adam(0.05), () => adam(), 2],
  ['sgd with momentum', () => tf.train.momentum(0.05, 0.9), () => sgd(0.9), 1],
] as const)('%s', (_, stock, rule, vectors) => {
  it('takes the steps of tf.train', () => {
    const expected = variables();
    const actual = variables();
    const reference = stock();
    const optimizer = new Optimizer(actual, rule(), vectors);
    for (let step = 1; step <= 20; step++) {
      const gradients = gradientsAt(step);
      reference.applyGradients(
        expected.map((variable, i) => ({ name: variable.name, tensor: gradients[i]! })),
      );
      optimizer.apply(gradients, 0.05);
    }
    values(actual).forEach((value, i) => expect(value).toBeCloseTo(values(expected)[i]!, 4));
  });

  it('goes on exactly where it was saved', async () => {
    const whole = variables();
    const first = new Optimizer(whole, rule(), vectors);
    for (let step = 1; step <= 3; step++) first.apply(gradientsAt(step), 0.05);
    const saved = await first.save();
    const second = whole.map((variable) => tf.variable(tf.clone(variable)));
    const resumed = new Optimizer(second, rule(), vectors);
    resumed.restore(saved);
    for (let step = 4; step <= 6; step++) {
      first.apply(gradientsAt(step), 0.05);
      resumed.apply(gradientsAt(step), 0.05);
    }
    expect(values(second)).toEqual(values(whole));
  });
});

describe('cosineRate', () => {
  it('falls from the rate to zero, through half of it', () => {
    expect(cosineRate(0.2, 0)).toBe(0.2);
    expect(cosineRate(0.2, 0.5)).toBeCloseTo(0.1, 12);
    expect(cosineRate(0.2, 1)).toBe(0);
  });
});

describe('learningRateAt', () => {
  const preset = { ...trainingParametersSchema.parse({}), learningRate: 0.8, epochs: 10 };
  const at = (change: object, epoch: number, batch = 0) =>
    learningRateAt({ ...preset, ...change }, epoch, batch, 4);

  it('is a cosine over all planned batches unless told otherwise', () => {
    expect(at({}, 1)).toBe(0.8);
    expect(at({}, 6)).toBeCloseTo(0.4, 12);
    expect(at({}, 3, 2)).toBe(cosineRate(0.8, 2.5 / 10));
  });

  it('stays, or falls by steps', () => {
    expect([1, 7, 10].map((epoch) => at({ schedule: 'constant' }, epoch, 3))).toEqual([0.8, 0.8, 0.8]);
    const rates = [1, 3, 4, 6, 7, 10].map((epoch) =>
      at({ schedule: 'step', stepEpochs: 3, stepFactor: 0.5 }, epoch, 3),
    );
    expect(rates).toEqual([0.8, 0.8, 0.4, 0.4, 0.2, 0.1]);
  });

  it('rises in equal steps to its height, of which the cosine then begins', () => {
    const rates = Array.from({ length: 9 }, (_, i) => at({ warmupEpochs: 2 }, 1 + Math.floor(i / 4), i % 4));
    rates.slice(0, 8).forEach((rate, i) => expect(rate).toBeCloseTo((0.8 * (i + 1)) / 8, 12));
    expect(rates[8]).toBe(0.8);
    expect(at({ warmupEpochs: 2 }, 7)).toBeCloseTo(0.4, 12);
  });

  it('rises within an epoch as well', () => {
    expect([0, 1, 2].map((batch) => at({ warmupEpochs: 0.5, schedule: 'constant' }, 1, batch))).toEqual([
      0.4, 0.8, 0.8,
    ]);
  });
});

describe('clipping by the norm of all gradients together', () => {
  // Lengths 3 and 4 in two variables: 5 together.
  const run = (clipNorm: number | null) => {
    const weights = [tf.variable(tf.tensor2d([[0, 0]])), tf.variable(tf.tensor1d([0]))];
    new Optimizer(weights, sgd(0), 1, { clipNorm }).apply([tf.tensor2d([[3, 0]]), tf.tensor1d([-4])], 1);
    return values(weights);
  };

  it('shortens what is longer and leaves the rest', () => {
    expect(run(null)).toEqual([-3, 0, 4]);
    expect(run(5)).toEqual([-3, 0, 4]);
    run(1).forEach((value, i) => expect(value).toBeCloseTo([-0.6, 0, 0.8][i]!, 6));
  });

  it('makes nothing of no gradient at all', () => {
    const weight = tf.variable(tf.tensor1d([7]));
    new Optimizer([weight], sgd(0), 1, { clipNorm: 1 }).apply([tf.tensor1d([0])], 1);
    expect(values([weight])).toEqual([7]);
  });
});

describe('AdamW', () => {
  it('takes a step of Adam and a share of each kernel, by hand', () => {
    const parameters = trainingParametersSchema.parse({ optimizer: 'AdamW', weightDecay: 0.5 });
    const kernel = tf.variable(tf.tensor2d([[2, -1]]));
    const bias = tf.variable(tf.tensor1d([3]));
    const optimizer = createOptimizer(parameters, [kernel, bias]);
    // Adam's first step is the rate in the direction of the gradient's sign, whatever its size.
    optimizer.apply([tf.tensor2d([[0.01, -5]]), tf.tensor1d([1])], 0.1);
    [2 * 0.95 - 0.1, -1 * 0.95 + 0.1, 3 - 0.1].forEach((value, i) =>
      expect(values([kernel, bias])[i]).toBeCloseTo(value, 4),
    );
  });

  it('decays what gets no gradient, where Adam leaves it', () => {
    for (const [name, expected] of [
      ['Adam', 2],
      ['AdamW', 2 * 0.99 * 0.99],
    ] as const) {
      const kernel = tf.variable(tf.tensor2d([[2]]));
      const optimizer = createOptimizer(
        trainingParametersSchema.parse({ optimizer: name, weightDecay: 0.1 }),
        [kernel],
      );
      for (let step = 0; step < 2; step++) optimizer.apply([tf.tensor2d([[0]])], 0.1);
      expect(values([kernel])[0]).toBeCloseTo(expected, 6);
    }
  });
});

const update = (average: MovingAverage) =>
  tf.tidy(() => average.update(average.begin().map((number) => tf.scalar(number))));

describe('MovingAverage', () => {
  const model = () =>
    tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });

  it('keeps its share at each step, less in the first ones', async () => {
    const network = model();
    const average = new MovingAverage(network, 0.5);
    let expected = [1, 1, 0];
    for (let step = 1; step <= 12; step++) {
      const weights = [step, -step, 1];
      writeWeights(network, Float32Array.from(weights));
      update(average);
      const kept = Math.min(0.5, (1 + step) / (10 + step));
      expected = expected.map((value, i) => kept * value + (1 - kept) * weights[i]!);
      (await average.read()).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    }
    // (1 + 8)/(10 + 8) is a half: from there on the decay holds.
    expect(await readWeights(network)).toEqual(Float32Array.of(12, -12, 1));
  });

  it('goes on exactly where it was saved, and leaves no tensor', async () => {
    const network = model();
    const before = tf.memory().numTensors;
    const whole = new MovingAverage(network, 0.9);
    const moved = (by: number) => writeWeights(network, Float32Array.of(by, Math.sin(by), 1 / by));
    for (const by of [1, 2, 3]) {
      moved(by);
      update(whole);
    }
    const resumed = new MovingAverage(network, 0.9);
    resumed.restore(await whole.read(), 3);
    for (const by of [4, 5]) {
      moved(by);
      update(whole);
      update(resumed);
    }
    expect(await resumed.read()).toEqual(await whole.read());
    [whole, resumed].forEach((average) => average.dispose());
    expect(tf.memory().numTensors).toBe(before);
  });
});
