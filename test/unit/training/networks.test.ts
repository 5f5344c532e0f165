/** Every network of the registry: its parameters, its features, and that it trains, is saved and loads as stock. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine } from '../../../src/training/engines/index.js';
import { defaultPreprocessing } from '../../../src/training/input/preprocessing.js';
import { Learner } from '../../../src/training/learner.js';
import { loadModel, saveModel } from '../../../src/training/modelFiles.js';
import { buildBody, buildClassifier } from '../../../src/training/networks/build.js';
import { hardSigmoid, scaleChannels } from '../../../src/training/networks/hardSigmoid.js';
import { NETWORKS, type Algorithm } from '../../../src/training/networks/index.js';
import { parameterList } from '../../../src/training/parameterList.js';
import { trainingParametersSchema } from '../../../src/training/protocol.js';
import type { Batch, Forward, TrainingTask } from '../../../src/training/tasks/task.js';
import { tf, tfl } from '../../../src/training/tensorflow.js';

const ALGORITHMS = Object.keys(NETWORKS) as Algorithm[];
const SMALL = {
  mobilenetv2: { widthMultiplier: 0.1 },
  'mobilenetv3-small': { widthMultiplier: 0.1 },
  'small-cnn': { channels: 4 },
};
const parametersFor = (algorithm: Algorithm) =>
  trainingParametersSchema.parse({ algorithm, ...SMALL[algorithm], inputSize: 16 });
const largest = (a: tf.Tensor, b: tf.Tensor) => tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!);

beforeAll(() => startEngine('wasm'));

describe.each(ALGORITHMS)('%s', (algorithm) => {
  it('takes its own parameters only', () => {
    const other = algorithm === 'small-cnn' ? { widthMultiplier: 0.5 } : { stages: 3 };
    const refused = trainingParametersSchema.safeParse({ algorithm, ...other });
    expect(refused.error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: Object.keys(other) }]);
  });

  it.each(NETWORKS[algorithm].tasks)(
    'lists its parameters with ranges, and defaults that are accepted (%s)',
    (task) => {
      const list = parameterList(algorithm, task);
      const own = list.filter(({ ofNetwork }) => ofNetwork).map(({ name }) => name);
      const expected = Object.keys(NETWORKS[algorithm].parameters.shape);
      // Frames have a size of their own.
      expect(own).toEqual(expected.filter((name) => task === 'LIGHT_STATE' || name !== 'inputSize'));
      const filledIn = trainingParametersSchema.parse({ task, algorithm }) as Record<string, unknown>;
      for (const { name, type, minimum, maximum, exclusive, preset } of list) {
        const [first, inner] = name.split('.') as [string, string?];
        if (type === 'MAP') continue;
        const used = inner ? (filledIn[first] as Record<string, unknown>)[inner] : filledIn[first];
        expect([name, used]).toEqual([name, preset]);
        if (type !== 'INT' && type !== 'FLOAT') continue;
        const tries: [number, boolean][] = [
          [minimum!, !exclusive],
          [maximum!, true],
          [minimum! - 1, false],
          [maximum! + 1, false],
        ];
        for (const [value, accepted] of tries) {
          const given = { task, algorithm, epochs: 1000, [first]: inner ? { [inner]: value } : value };
          expect([given, trainingParametersSchema.safeParse(given).success]).toEqual([given, accepted]);
        }
      }
    },
  );

  it('names its blocks so that each holds layers, and every layer is in one or in the classifier', () => {
    const parameters = parametersFor(algorithm);
    const model = buildClassifier(parameters, 3);
    const network = NETWORKS[algorithm];
    const blocks = network.blocks(parameters as never);
    const rest = ['picture', 'pool', 'logits', 'probabilities'];
    const owner = (name: string) => blocks.filter((block) => name.startsWith(`${block}_`));
    for (const { name } of model.layers)
      if (!rest.includes(name)) expect([name, owner(name).length]).toEqual([name, 1]);
    for (const block of blocks)
      expect(model.layers.some(({ name }) => name.startsWith(`${block}_`))).toBe(true);
    model.dispose();
  });

  it('gives features at stride 4 of a frame, and says which it has', () => {
    const body = buildBody(parametersFor(algorithm), { height: 64, width: 96 });
    expect(body.features(4).shape.slice(0, 3)).toEqual([null, 16, 24]);
    expect(body.features(8).shape.slice(0, 3)).toEqual([null, 8, 12]);
    expect(() => body.features(3)).toThrow(/strides 2, 4, 8/);
  });

  it('lets its loss fall on wasm', async () => {
    const model = buildClassifier(parametersFor(algorithm), 2);
    const logits = tfl.model({
      inputs: model.inputs,
      outputs: model.getLayer('logits').output,
    });
    const forward = ({ x, targets }: Batch, training: boolean): Forward => ({
      loss: tf.losses.softmaxCrossEntropy(targets[0]!, logits.apply(x, { training }) as tf.Tensor),
      outputs: [],
    });
    const learner = new Learner(parametersFor(algorithm), { model, forward } as unknown as TrainingTask);
    const dark = tf.randomUniform([4, 16, 16, 3], -1, 0, 'float32', 3);
    const batch: Batch = {
      size: 8,
      x: tf.concat([tf.fill([4, 16, 16, 3], 0.5), dark]) as tf.Tensor4D,
      targets: [tf.oneHot([0, 0, 0, 0, 1, 1, 1, 1], 2)],
    };
    const losses: number[] = [];
    for (let step = 0; step < 25; step++) losses.push((await learner.train(batch, 0.005)).loss);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
    learner.dispose();
    model.dispose();
  });

  it('is saved as stock layers and loads as the same function', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shingo-network-'));
    try {
      const model = buildClassifier(parametersFor(algorithm), 3);
      await saveModel(folder, model, { classes: ['a', 'b', 'c'], preprocessing: defaultPreprocessing(16) });
      const loaded = await loadModel(folder);
      const x = tf.randomUniform([2, 16, 16, 3], -1, 1, 'float32', 5);
      expect(largest(model.apply(x) as tf.Tensor, loaded.model.apply(x) as tf.Tensor)).toBe(0);
      [model, loaded.model].forEach((one) => one.dispose());
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('mobilenetv3-small', () => {
  it('has the size of the published network', () => {
    // Keras' MobileNetV3Small with top for 1000 classes: 2,554,968 parameters, 12,112 of them moving averages.
    const parameters = {
      algorithm: 'mobilenetv3-small',
      inputSize: 224,
      widthMultiplier: 1,
      seed: 1,
    } as const;
    const model = buildClassifier(parameters, 1000);
    expect(model.countParams()).toBe(2_554_968);
    const trainable = model.trainableWeights.reduce(
      (sum, w) => sum + tf.util.sizeFromShape(w.shape as number[]),
      0,
    );
    expect(trainable).toBe(2_542_856);
    model.dispose();
  });
});

describe.each(['wasm', 'cpu'] as const)('gates on %s', (engine) => {
  beforeAll(() => startEngine(engine));

  const gates = () => {
    const input = tfl.input({ shape: [4] });
    return tfl.model({ inputs: input, outputs: hardSigmoid('g', input) });
  };

  it('the hard sigmoid is relu6(x + 3)/6, with its slope', () => {
    const model = gates();
    const x = tf.tensor2d([[-4, -1.5, 0, 2]]);
    const { value, grad } = tf.valueAndGrad((x) => model.apply(x, { training: true }) as tf.Tensor)(x);
    Array.from(value.dataSync()).forEach((y, i) => expect(y).toBeCloseTo([0, 0.25, 0.5, 5 / 6][i]!, 6));
    Array.from(grad.dataSync()).forEach((y, i) => expect(y).toBeCloseTo([0, 1 / 6, 1 / 6, 1 / 6][i]!, 6));
    model.dispose();
  });

  it("a map times its channels' gates has the gradients that TensorFlow.js finds", () => {
    const x = tf.randomNormal([2, 3, 4, 5], 0, 1, 'float32', 1);
    const gate = tf.randomNormal([2, 1, 1, 5], 0, 1, 'float32', 2);
    const dy = tf.randomNormal([2, 3, 4, 5], 0, 1, 'float32', 3);
    const layer = scaleChannels('scale');
    const ours = tf.grads((x, gate) => layer.apply([x, gate], { training: true }) as tf.Tensor)(
      [x, gate],
      dy,
    );
    const stock = tf.grads((x, gate) => tf.mul(x, gate))([x, gate], dy);
    ours.forEach((gradient, i) => expect(largest(gradient, stock[i]!)).toBeLessThan(1e-5));
  });
});
