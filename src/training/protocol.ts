/**
 * The contract between a worker and its trainer process: what the worker writes to disk before it forks, and
 * the messages that go over IPC. Both sides parse what they receive with these schemas.
 */
import { z } from 'zod';
import { TASKS } from './networks/network.js';
import { trainingParametersSchema } from './parameters.js';

export { TASKS, type TaskName } from './networks/network.js';
export { trainingParametersSchema, type TrainingParameters } from './parameters.js';

export const ENGINES = ['cuda', 'native', 'webgpu', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINES)[number];

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

/** One frame to find lights in: one JSON line each in the samples file of LIGHT_DETECTION. */
export const frameSchema = z.object({
  /** SHA-256 of the picture. */
  id: z.string(),
  /** Absolute path of the encoded picture. */
  file: z.string(),
  split: z.enum(SPLITS),
  /** Indices into `conditions`; conditions overlap. */
  conditions: z.array(z.int().min(0)),
  boxes: z.array(
    z
      .object({
        /** Index into `classes`; null where nobody could tell, and then `ignore` is true. */
        label: z.int().min(0).nullable(),
        /** In pixels of the picture, continuous: x + width is the right edge. */
        x: z.number(),
        y: z.number(),
        width: z.number().positive(),
        height: z.number().positive(),
        /** Neither to be found nor wrong when found. */
        ignore: z.boolean().default(false),
      })
      .refine(({ label, ignore }) => label !== null || ignore, 'has no label, so it must be ignored'),
  ),
});
export type Frame = z.infer<typeof frameSchema>;

const common = {
  engine: z.enum(['auto', ...ENGINES]),
  /** JSON lines of what the task learns from: `Sample` or `Frame`. */
  samplesFile: z.string(),
  classes: z.array(z.string()).min(1),
  conditions: z.array(z.string()),
  /** Where decoded pictures are kept between trainings, shared by any number of trainers; absent: nowhere. */
  decodedCache: z.object({ folder: z.string(), bytes: z.int().min(0) }).optional(),
  /** An existing folder that belongs to this attempt alone; everything the trainer writes goes below it. */
  outputDir: z.string(),
};
export const trainingSpecSchema = z.object({
  kind: z.literal('TRAINING'),
  ...common,
  parameters: trainingParametersSchema,
  /** Absolute path of a folder that an earlier attempt's `checkpoint` message named (or a copy); null starts afresh. */
  resumeFrom: z.string().nullable(),
  /** Folder of a model whose weights the training begins with, where they fit; null: with random ones. */
  startFrom: z.string().nullable().default(null),
  /** Stops after this epoch as if it were told to, unless it is over by then; absent: it does not. */
  pauseAfter: z.int().min(1).optional(),
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
  z.object({
    type: z.literal('engine'),
    engine: z.enum(ENGINES),
    reason: z.string(),
    /** Versions of what decides on the numbers. */
    environment: z
      .object({ node: z.string(), platform: z.string(), packages: z.record(z.string(), z.string()) })
      .optional(),
  }),
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
    /**
     * JSON lines in the order of the samples file. LIGHT_STATE: {id, label, predicted, scores: number[]}.
     * LIGHT_DETECTION: {id, detections: [{label, score, x, y, width, height}]}, best first, in pixels of the picture.
     */
    predictions: z.string(),
    n: z.int(),
  }),
  /** A failure that a retry would meet again: the job fails with this code. */
  z.object({
    type: z.literal('failed'),
    code: z.string(),
    message: z.string(),
    /** What is worth keeping: of a training whose loss exploded the best and the last good model. */
    artifacts: z.array(artifactSchema).optional(),
  }),
]);
export type TrainerMessage = z.infer<typeof trainerMessageSchema>;

/** Worker → trainer. A lost IPC channel means the same as `abort`. */
export const trainerCommandSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), specFile: z.string() }),
  z.object({ type: z.literal('stop') }),
]);
export type TrainerCommand = z.infer<typeof trainerCommandSchema>;
