/** What a training can be told, with the ranges that are accepted; the API validates with the same schema. */
import { z } from 'zod';
import { detectionShape, presetsOf, strangeParameters } from './detectionParameters.js';
import { mobilenetv2 } from './networks/mobilenetv2.js';
import { mobilenetv3small } from './networks/mobilenetv3small.js';
import { smallcnn } from './networks/smallcnn.js';
import { TASKS, type Network, type TaskName } from './networks/network.js';

const frozen = (most: number) =>
  z
    .int()
    .min(0)
    .max(most)
    .default(0)
    .describe('So many of the blocks of the network, from the picture inwards, keep their weights.');
const share = (description: string) => z.number().min(0).max(1).default(0).describe(description);
const weights = (of: string) =>
  z
    .record(z.string().min(1).max(200), z.number().positive().max(1000))
    .default({})
    .describe(`Factor on the loss by ${of}; 1 where none is given.`);
const weighting = z.enum(['none', 'balanced', 'given']);

const optimisation = {
  optimizer: z
    .enum(['Adam', 'AdamW', 'SGD'])
    .default('Adam')
    .describe('AdamW decouples the weight decay (Loshchilov & Hutter 2019); SGD has momentum.'),
  learningRate: z.number().positive().max(10).default(0.005).describe('The highest of the schedule.'),
  momentum: z.number().min(0).max(0.999).default(0.9).describe('SGD only.'),
  weightDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('AdamW only, of kernels; times the learning rate at each step.'),
  clipNorm: z
    .number()
    .positive()
    .max(1e6)
    .nullable()
    .default(null)
    .describe('Gradients longer than this, over all weights together, are shortened to it; null: never.'),
  emaDecay: z
    .number()
    .min(0.5)
    .max(0.99999)
    .nullable()
    .default(null)
    .describe(
      'Share that a moving average of the weights keeps at each step, which is then what is evaluated and saved.',
    ),
  schedule: z
    .enum(['constant', 'step', 'cosine'])
    .default('cosine')
    .describe('cosine falls to zero over the epochs; step multiplies by stepFactor every stepEpochs.'),
  warmupEpochs: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .describe('The learning rate first rises over so many epochs, in equal steps.'),
  stepEpochs: z.int().min(1).max(1000).default(10).describe('Of the schedule step.'),
  stepFactor: z.number().positive().max(1).default(0.1).describe('Of the schedule step.'),
  batchSize: z.int().min(1).max(1024).default(32),
  epochs: z.int().min(1).max(1000).default(10),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1)
    .describe('Same seed, data and engine: same weights.'),
  freezeBlocks: frozen(100),
};

const objective = {
  focalGamma: z
    .number()
    .min(0)
    .max(10)
    .default(0)
    .describe('Focal loss (Lin et al. 2017): the higher, the less the easy ones count; 0: cross-entropy.'),
  labelSmoothing: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe('So much of the truth is spread over all classes alike (Szegedy et al. 2016).'),
  classWeighting: weighting
    .default('none')
    .describe('balanced: every class counts as much in all, however rare it is; given: by classWeights.'),
  classWeights: weights('class'),
  conditionWeighting: weighting
    .default('none')
    .describe(
      'balanced: by the mean rarity of its conditions; given: the product of their conditionWeights.',
    ),
  conditionWeights: weights('condition'),
  mixConditions: z
    .record(z.string().min(1).max(200), z.literal(true))
    .default({})
    .describe('Every batch holds as many of each of these conditions, and of what is in none of them.'),
};

/** Probabilities are of each sample in each epoch; what is drawn follows from seed, epoch and sample. */
const augmentation = z
  .strictObject({
    flip: share(
      'Probability of a mirrored picture. A class that names a side becomes that of the other side; where there is none, its pictures are not mirrored.',
    ),
    crop: z.number().min(0).max(0.5).default(0).describe('Up to this share of each side is cut off.'),
    scale: z.number().min(0).max(0.5).default(0).describe('Size changes by up to this share, up or down.'),
    // 2 px of 32 by default: over three seeds 99.4 % of 238 unseen real crops are then read right, without 98.7 %.
    shift: z
      .number()
      .min(0)
      .max(0.5)
      .default(1 / 16)
      .describe('Content moves by up to this share of the side, by whole pixels.'),
    color: share('Strength of random brightness, contrast, saturation and white balance.'),
    night: share('Probability that a picture is made to look taken at night.'),
    rain: share('Probability of rain.'),
    fog: share('Probability of fog.'),
  })
  .prefault({});
export type Augmentation = z.output<typeof augmentation>;

const stopping = {
  patience: z
    .int()
    .min(1)
    .max(1000)
    .nullable()
    .default(3)
    .describe(
      'Epochs without a better value of what `monitor` names before training stops; null: all epochs.',
    ),
  monitor: z
    .strictObject({
      metric: z.string().min(1).max(100).default('loss').describe('Any that is logged.'),
      split: z.enum(['TRAIN', 'VALIDATION']).default('VALIDATION'),
      condition: z
        .string()
        .min(1)
        .max(200)
        .nullable()
        .default(null)
        .describe('Null: every sample of the split.'),
      mode: z.enum(['auto', 'min', 'max']).default('auto').describe('auto: losses fall, all else rises.'),
    })
    .prefault({})
    .describe('What makes an epoch the best one.'),
};

export const commonParameters = {
  task: z
    .enum(TASKS)
    .default('LIGHT_STATE')
    .describe(
      'LIGHT_STATE: the colour of the light in a crop; LIGHT_DETECTION: boxes with colours in frames.',
    ),
  ...optimisation,
  ...objective,
  augmentation,
  ...stopping,
  ...detectionShape,
};

const defaultBlocks = <S extends z.ZodRawShape>(network: Network<S>): number =>
  network.blocks(network.parameters.parse({})).length;

/** A network's own parameters, and those that every training has. */
export const parametersOf = <N extends string, S extends z.ZodRawShape>(name: N, network: Network<S>) =>
  z.strictObject({
    algorithm: z.literal(name),
    ...network.parameters.shape,
    ...commonParameters,
    freezeBlocks: frozen(defaultBlocks(network)),
  });

/** One network's and the training's parameters, for each of NETWORKS. */
export const PARAMETERS = {
  mobilenetv2: parametersOf('mobilenetv2', mobilenetv2),
  'mobilenetv3-small': parametersOf('mobilenetv3-small', mobilenetv3small),
  'small-cnn': parametersOf('small-cnn', smallcnn),
} as const;

const LISTED: Record<keyof typeof PARAMETERS, Network> = {
  mobilenetv2: mobilenetv2,
  'mobilenetv3-small': mobilenetv3small,
  'small-cnn': smallcnn,
};

/** What a training of the task logs, and may therefore be told to monitor. */
export const LOGGED: Record<TaskName, readonly string[]> = {
  LIGHT_STATE: ['loss', 'accuracy', 'objective'],
  LIGHT_DETECTION: [
    ...['loss', 'heat_loss', 'size_loss', 'offset_loss'],
    ...['recall', 'precision', 'color_accuracy', 'ap50'],
  ],
};

const perNetwork = z
  .discriminatedUnion(
    'algorithm',
    [PARAMETERS.mobilenetv2, PARAMETERS['mobilenetv3-small'], PARAMETERS['small-cnn']],
    { error: `is one of ${Object.keys(PARAMETERS).join(', ')}` },
  )
  .superRefine((parameters, context) => {
    const problem = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    for (const [name, message] of strangeParameters(parameters)) problem(name, message);
    const network = LISTED[parameters.algorithm];
    const { length: blocks } = network.blocks({ ...parameters });
    // More than the network ever has, its range has refused already.
    if (parameters.freezeBlocks > blocks && parameters.freezeBlocks <= defaultBlocks(network))
      problem('freezeBlocks', `${parameters.algorithm} has ${blocks} blocks`);
    const { metric, split, condition } = parameters.monitor;
    const logged = LOGGED[parameters.task];
    if (!logged.includes(metric))
      context.addIssue({
        code: 'custom',
        path: ['monitor', 'metric'],
        message: `is one of ${logged.join(', ')}`,
      });
    if (condition !== null && (split === 'TRAIN' || /_loss$|^objective$/.test(metric)))
      context.addIssue({
        code: 'custom',
        path: ['monitor', 'condition'],
        message: 'conditions are told apart in VALIDATION only, and parts of the loss are not told apart',
      });
    if (!network.tasks.includes(parameters.task))
      problem('algorithm', `${parameters.algorithm} is no network for ${parameters.task}`);
    for (const of of ['class', 'condition'] as const) {
      const given = Object.keys(parameters[`${of}Weights`]).length > 0;
      if (given === (parameters[`${of}Weighting`] === 'given')) continue;
      const message = given
        ? `${of}Weighting must be given where there are ${of}Weights`
        : `${of}Weighting given needs ${of}Weights`;
      context.addIssue({ code: 'custom', path: [given ? `${of}Weighting` : `${of}Weights`], message });
    }
    const { epochs, warmupEpochs } = parameters;
    if (warmupEpochs > 0 && warmupEpochs >= epochs)
      context.addIssue({ code: 'custom', path: ['warmupEpochs'], message: 'must end before the last epoch' });
  });

const presets = (given: unknown): unknown => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const ofTask = 'task' in given ? presetsOf(given.task) : {};
  const parameters: Record<string, unknown> = { algorithm: 'mobilenetv2', ...ofTask, ...given };
  for (const [name, value] of Object.entries(parameters)) if (value === undefined) delete parameters[name];
  // Weights that are given are meant to count.
  for (const of of ['class', 'condition']) {
    const weights = parameters[`${of}Weights`];
    if (parameters[`${of}Weighting`] === undefined && Object.keys(weights ?? {}).length > 0)
      parameters[`${of}Weighting`] = 'given';
  }
  return parameters;
};

export const trainingParametersSchema = z.preprocess(presets, perNetwork);
export type TrainingParameters = z.output<typeof trainingParametersSchema>;
