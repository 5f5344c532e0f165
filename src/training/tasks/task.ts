/**
 * What is learnt, for a trainer that knows only batches, losses and sums: a task reads what it learns from, builds the
 * network, says how wrong it is, and what it predicts. Another task is one more file here and one more line in index.ts.
 */
import type { z } from 'zod';
import type { Draw } from '../input/augment/index.js';
import type { LoadOptions } from '../input/pictures.js';
import type { LoadedModel, ModelDescription } from '../modelFiles.js';
import type { EvaluationSpec, Metric, TrainingSpec, SPLITS } from '../protocol.js';
import type { tf, tfl } from '../tensorflow.js';

/** One thing to learn from or to be examined on: a light for LIGHT_STATE. */
export interface Item {
  split: (typeof SPLITS)[number];
  /** Indices into the spec's `conditions`. */
  conditions: number[];
}

/** What `readItems` needs of a spec. */
export interface ItemSource {
  samplesFile: string;
  classes: readonly string[];
  conditions: readonly string[];
}

export interface Task<I extends Item = Item, P = unknown> {
  /** How preprocessing.json of this task's models reads. */
  readonly preprocessing: z.ZodType<P>;
  /** All of the file, in its order. @throws TrainingError SPEC_INVALID */
  readItems(source: ItemSource): Promise<I[]>;
  /** @param items of TRAIN and VALIDATION @throws TrainingError SPLIT_EMPTY, SPLIT_CLASS_EMPTY */
  training(spec: TrainingSpec, items: readonly I[]): TrainingTask;
  /** @param items as many as are held at a time */
  predictor(spec: EvaluationSpec, items: readonly I[], loaded: LoadedModel<P>): Predictor;
}

/** All of a batch that its loss depends on. */
export interface Inputs {
  /** [size, height, width, 3] */
  x: tf.Tensor4D;
  targets: tf.Tensor[];
}

/** What a batch holds besides what its task knows; the tensors belong to the batch, and are disposed of with it. */
export interface Batch extends Inputs {
  /** Items. */
  size: number;
}

/** Sums over items, in plain JSON: a checkpoint holds them in the middle of an epoch. */
export interface Tally {
  lossSum: number;
  n: number;
  /** What else the task counts. */
  [count: string]: unknown;
}

export interface Forward {
  /** The mean over the batch's items: what is minimised. */
  loss: tf.Scalar;
  /** What `count` wants to see, as numbers. */
  outputs: tf.Tensor[];
}

/** A task's part in one training. Its items are named by their index in what `training` was given. */
export interface TrainingTask<B extends Batch = Batch, T extends Tally = Tally> {
  readonly model: tfl.LayersModel;
  readonly about: ModelDescription;
  /** Before the first batch. May end early when the signal is aborted: the training stops then. */
  load(options: LoadOptions): Promise<void>;
  /** Begins to fetch what `batch` will be asked for soon. */
  prefetch(indices: Uint32Array): void;
  /** @param draws for each item, the changes that training makes to it; null in validation, which makes none */
  batch(indices: Uint32Array, draws: ((index: number) => Draw) | null): Promise<B>;
  /**
   * Called within a tidy, in training with gradients recorded. It sees tensors only: an engine may record what it does for
   * one batch, and repeat it for each later one of the same shapes.
   */
  forward(inputs: Inputs, training: boolean): Forward;
  emptyTally(): T;
  /** @param loss what `forward` gave @param outputs its outputs' values, in their order */
  count(tally: T, batch: B, loss: number, outputs: readonly Float32Array[]): void;
  /** Nothing of a split without items. Conditions are told apart in VALIDATION only. */
  metrics(tally: T, split: Metric['split']): Metric[];
  dispose(): void;
}

export interface Predictor {
  /** Begins to fetch what `predict` will be asked for soon. */
  prefetch?(indices: Uint32Array): void;
  load(options: LoadOptions): Promise<void>;
  /** One JSON line for each of these items, in this order. */
  predict(indices: Uint32Array): Promise<object[]>;
  close?(): void;
}
