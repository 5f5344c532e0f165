import { startEngine } from '../../../src/training/engines/index.js';
import { adam, cosineRate, Optimizer, sgd } from '../../../src/training/optimizers.js';
import { tf } from '../../../src/training/tensorflow.js';

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
