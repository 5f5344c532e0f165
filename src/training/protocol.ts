/**
 * The contract between a worker and its trainer process: what the worker writes to disk before it forks, and
 * the messages that go over IPC. Both sides parse what they receive with these schemas.
 */
import { z } from 'zod';

export const ENGINES = ['cuda', 'native', 'webgpu', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINES)[number];

/** What can be learnt: LIGHT_STATE tells the colour of the light in a crop. */
export const TASKS = ['LIGHT_STATE'] as const;
export type TaskName = (typeof TASKS)[number];

export const SPLITS = ['TRAIN', 'VALIDATION', 'TEST'] as const;

/** One light to classify: a box in a picture file. One JSON line each in the samples file. */
export const sampleSchema = z.object({
  /** Names the light across processes; opaque to the trainer. */
  id: z.string(),
  /** Absolute path of the encoded picture. */
  file: z.string(),
  /** In pixels of the picture, continuous: x + width is the right edge. Null means the whole picture. */
  box: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).nullable(),
  /** Index into `classes`. */
  label: z.int().min(0),
  split: z.enum(SPLITS),
  /** Indices into `conditions`; conditions overlap. */
  conditions: z.array(z.int().min(0)),
});
export type Sample = z.infer<typeof sampleSchema>;

/** Hyper-parameters with the ranges that are accepted; the API validates with the same schema. */
export const trainingParametersSchema = z.object({
  task: z.enum(TASKS).default('LIGHT_STATE'),
  algorithm: z.enum(['mobilenetv2']).default('mobilenetv2'),
  optimizer: z.enum(['Adam', 'SGD']).default('Adam'),
  /** At the first step; falls to zero over `epochs` along half a cosine. */
  learningRate: z.number().positive().max(10).default(0.005),
  /** SGD only. */
  momentum: z.number().min(0).max(0.999).default(0.9),
  batchSize: z.int().min(1).max(1024).default(32),
  epochs: z.int().min(1).max(1000).default(10),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
  /** Side of the square that a crop is resized to, in pixels. */
  inputSize: z.int().min(16).max(224).default(32),
  /** MobileNetV2's alpha. */
  widthMultiplier: z.number().min(0.1).max(1.4).default(0.35),
  /** Epochs without a better validation loss before training stops; null never stops early. */
  patience: z.int().min(1).max(1000).nullable().default(3),
});
export type TrainingParameters = z.infer<typeof trainingParametersSchema>;

const common = {
  engine: z.enum(['auto', ...ENGINES]),
  /** JSON lines of `Sample`. */
  samplesFile: z.string(),
  classes: z.array(z.string()).min(2),
  conditions: z.array(z.string()),
  /** An existing folder that belongs to this attempt alone; everything the trainer writes goes below it. */
  outputDir: z.string(),
};
export const trainingSpecSchema = z.object({
  kind: z.literal('TRAINING'),
  ...common,
  parameters: trainingParametersSchema,
  /** Absolute path of a folder that an earlier attempt's `checkpoint` message named (or a copy); null starts afresh. */
  resumeFrom: z.string().nullable(),
});
export const evaluationSpecSchema = z.object({
  kind: z.literal('EVALUATION'),
  ...common,
  /** What the model was trained for. */
  task: z.enum(TASKS).default('LIGHT_STATE'),
  /** Folder with model.json, weights.bin and preprocessing.json as training wrote them. */
  modelDir: z.string(),
  batchSize: z.int().min(1).max(1024),
});
export const specSchema = z.discriminatedUnion('kind', [trainingSpecSchema, evaluationSpecSchema]);
export type TrainingSpec = z.infer<typeof trainingSpecSchema>;
export type EvaluationSpec = z.infer<typeof evaluationSpecSchema>;
export type Spec = z.infer<typeof specSchema>;

/** A proportion carries its n and its interval; a loss has neither bound. */
export const metricSchema = z.object({
  name: z.string(),
  split: z.enum(SPLITS),
  /** Name from `conditions`; null is all samples of the split. */
  condition: z.string().nullable(),
  /** May be NaN or infinite: fork the trainer with `serialization: 'advanced'`. */
  value: z.union([z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity)]),
  n: z.int().min(0),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  method: z.enum(['WILSON']).nullable(),
});
export type Metric = z.infer<typeof metricSchema>;

/** Every path in a message (artifact, checkpoint, predictions) is relative to `outputDir`. */
const artifactSchema = z.object({ path: z.string(), kind: z.string(), mediaType: z.string() });
export type TrainerArtifact = z.infer<typeof artifactSchema>;

/** Trainer → worker. */
export const trainerMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('engine'), engine: z.enum(ENGINES), reason: z.string() }),
  z.object({ type: z.literal('log'), level: z.enum(['info', 'warn', 'error']), message: z.string() }),
  /** At most four a second. */
  z.object({
    type: z.literal('progress'),
    phase: z.enum(['LOADING', 'TRAINING', 'VALIDATING', 'EVALUATING']),
    epoch: z.int().nullable(),
    epochs: z.int().nullable(),
    /** Images of the whole job, all epochs: done of total. */
    done: z.int(),
    total: z.int(),
    imagesPerSecond: z.number(),
    secondsLeft: z.number().nullable(),
  }),
  /** The end of an epoch (counted from 1), with the checkpoint that goes with it: stored together. */
  z.object({
    type: z.literal('epoch'),
    epoch: z.int().min(1),
    metrics: z.array(metricSchema),
    /** `tf.memory().numTensors` after the epoch. */
    tensors: z.int(),
    /** Folder, complete on disk when this message is sent. The newest three are kept, older ones deleted. */
    checkpoint: z.string(),
  }),
  /** Answer to `stop`: state saved at a batch boundary; the process exits 0 after it. */
  z.object({ type: z.literal('stopped'), checkpoint: z.string().nullable() }),
  z.object({
    type: z.literal('trained'),
    bestEpoch: z.int(),
    epochsRun: z.int(),
    stoppedEarly: z.boolean(),
    artifacts: z.array(artifactSchema),
  }),
  z.object({
    type: z.literal('evaluated'),
    /** JSON lines {id, label, predicted, scores: number[]} in the order of the samples file. */
    predictions: z.string(),
    n: z.int(),
  }),
  /** A failure that a retry would meet again: the job fails with this code. */
  z.object({ type: z.literal('failed'), code: z.string(), message: z.string() }),
]);
export type TrainerMessage = z.infer<typeof trainerMessageSchema>;

/** Worker → trainer. A lost IPC channel means the same as `abort`. */
export const trainerCommandSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), specFile: z.string() }),
  z.object({ type: z.literal('stop') }),
]);
export type TrainerCommand = z.infer<typeof trainerCommandSchema>;
