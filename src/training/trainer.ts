/** Trains one network on one data set, resumably. */
import { join } from 'node:path';
import { ARTIFACTS, writeReports } from './artifacts.js';
import { readCheckpoint, writeCheckpoint, type Checkpoint, type CheckpointState } from './checkpoint.js';
import { EarlyStopping } from './earlyStopping.js';
import { TrainingError } from './error.js';
import { evenBatches, inputBatch, randomShifts, shuffled, type Shift } from './input/batches.js';
import { loadPictures, type Pictures } from './input/pictures.js';
import { defaultPreprocessing } from './input/preprocessing.js';
import { readSamples } from './input/samples.js';
import { yieldToEvents, type Job } from './job.js';
import { Learner, type BatchResult } from './learner.js';
import { cosineRate } from './optimizers.js';
import { count, emptyTally, metricsOf, type Tally } from './metrics.js';
import { saveModel, type ModelDescription } from './modelFiles.js';
import { Progress, type Phase } from './progress.js';
import type { Metric, Sample, TrainerMessage, TrainingSpec } from './protocol.js';
import { generator, mixSeeds } from './random.js';
import { tf } from './tensorflow.js';
import { readWeights, writeWeights } from './weights.js';

export type TrainingResult = Extract<TrainerMessage, { type: 'trained' | 'stopped' }>;

/** Runs until the last epoch, early stopping or `job.signal`. The engine must have been started. */
export async function train(spec: TrainingSpec, job: Job): Promise<TrainingResult> {
  const samples = (await readSamples(spec.samplesFile, spec)).filter(({ split }) => split !== 'TEST');
  checkSamples(samples, spec.classes);
  const resumed = spec.resumeFrom === null ? null : await readCheckpoint(spec.resumeFrom);
  if (resumed) checkResumable(resumed.state, spec, samples);
  const training = new Training(spec, job, samples, resumed);
  try {
    return await training.run();
  } finally {
    training.dispose();
  }
}

class Training {
  private readonly learner: Learner;
  private readonly trainIndices: Uint32Array;
  private readonly validationIndices: Uint32Array;
  private readonly about: ModelDescription;
  private readonly progress: Progress;
  private readonly earlyStopping: EarlyStopping;
  private readonly state: CheckpointState;
  private best: Float32Array | null;
  private pictures!: Pictures;

  constructor(
    private readonly spec: TrainingSpec,
    private readonly job: Job,
    private readonly samples: readonly Sample[],
    private readonly resumed: Checkpoint | null,
  ) {
    const { parameters, classes } = spec;
    this.trainIndices = indicesOf(samples, 'TRAIN');
    this.validationIndices = indicesOf(samples, 'VALIDATION');
    this.about = { classes, preprocessing: defaultPreprocessing(parameters.inputSize) };
    this.learner = new Learner(parameters, classes.length);
    this.state =
      resumed?.state ?? initialState(spec, this.trainIndices.length, this.validationIndices.length);
    this.best = resumed?.best ?? null;
    this.earlyStopping = new EarlyStopping(parameters.patience, this.state.earlyStopping);
    const total = samples.length * parameters.epochs;
    this.progress = new Progress((m) => void job.send(m), total, parameters.epochs, this.state.imagesDone);
  }

  async run(): Promise<TrainingResult> {
    const { outputDir, parameters } = this.spec;
    // Before the weights are restored: the same seed builds the same untrained network in every attempt.
    await saveModel(join(outputDir, 'initial'), this.learner.model, this.about);
    if (this.resumed) this.restore(this.resumed);
    await this.load();
    if (this.job.signal.aborted) return this.stop();
    while (this.state.epoch <= parameters.epochs && !this.earlyStopping.exhausted)
      if (!(await this.runEpoch())) return this.stop();
    return this.finish();
  }

  dispose(): void {
    this.learner.dispose();
  }

  private restore({ weights, optimizer, state }: Checkpoint): void {
    writeWeights(this.learner.model, weights);
    this.learner.optimizer.restore({ step: state.optimizerStep, vectors: optimizer });
  }

  private async load(): Promise<void> {
    const { signal } = this.job;
    const onProgress = () => this.progress.advance('LOADING', 0);
    this.pictures = await loadPictures(this.samples, this.about.preprocessing, { signal, onProgress });
  }

  /** False when asked to stop before the epoch's end. */
  private async runEpoch(): Promise<boolean> {
    const { state, spec } = this;
    const { batchSize, seed, epochs } = spec.parameters;
    const batches = evenBatches(shuffled(this.trainIndices, seed, state.epoch), batchSize);
    for (const batch of batches.slice(state.batch)) {
      await this.trainBatch(batch, (state.epoch - 1 + state.batch / batches.length) / epochs);
      if (this.job.signal.aborted) return false;
    }
    const validation = await this.validate();
    if (!validation) return false;
    await this.endEpoch(validation);
    return true;
  }

  /** Null when asked to stop; the validation is then run anew after resuming. */
  private async validate(): Promise<Tally | null> {
    const tally = emptyTally(this.spec.conditions.length);
    const imagesDone = this.progress.imagesDone;
    for (const batch of evenBatches(this.validationIndices, this.spec.parameters.batchSize)) {
      await this.validateBatch(batch, tally);
      if (this.job.signal.aborted) {
        this.state.imagesDone = imagesDone;
        return null;
      }
    }
    return tally;
  }

  private async trainBatch(indices: Uint32Array, progress: number): Promise<void> {
    const { state, spec } = this;
    const { seed, inputSize, learningRate } = spec.parameters;
    const random = generator(mixSeeds(seed, state.epoch, state.batch));
    const shifts = randomShifts(indices.length, inputSize, random);
    const rate = cosineRate(learningRate, progress);
    await this.runBatch(indices, state.running, shifts, (x, labels) => this.learner.train(x, labels, rate));
    state.batch += 1;
    await this.advance('TRAINING', indices.length);
  }

  private async validateBatch(indices: Uint32Array, tally: Tally): Promise<void> {
    await this.runBatch(indices, tally, [], (x, labels) => this.learner.validate(x, labels));
    await this.advance('VALIDATING', indices.length);
  }

  private async runBatch(
    indices: Uint32Array,
    tally: Tally,
    shifts: readonly Shift[],
    run: (x: tf.Tensor4D, labels: number[]) => Promise<BatchResult>,
  ): Promise<void> {
    const samples = Array.from(indices, (index) => this.samples[index]!);
    const x = inputBatch(this.pictures, indices, this.about.preprocessing, shifts);
    try {
      const { lossSum, predicted } = await run(
        x,
        samples.map(({ label }) => label),
      );
      count(tally, samples, lossSum, predicted);
    } finally {
      x.dispose();
    }
  }

  /** Between batches messages get their turn: this is where a `stop` is seen. */
  private async advance(phase: Phase, images: number): Promise<void> {
    this.progress.advance(phase, images, phase === 'LOADING' ? null : this.state.epoch);
    this.state.imagesDone = this.progress.imagesDone;
    await yieldToEvents();
  }

  private async endEpoch(validation: Tally): Promise<void> {
    const { state, spec } = this;
    const { epoch } = state;
    const metrics: Metric[] = [
      ...metricsOf(state.running, 'TRAIN'),
      ...metricsOf(validation, 'VALIDATION', spec.conditions),
    ];
    const judged = validation.n ? validation : state.running;
    if (this.earlyStopping.observe(epoch, judged.lossSum / judged.n))
      this.best = await readWeights(this.learner.model);
    state.earlyStopping = this.earlyStopping.state;
    state.history.push({ epoch, metrics });
    Object.assign(state, { epoch: epoch + 1, batch: 0, running: emptyTally(spec.conditions.length) });
    const checkpoint = await this.checkpoint();
    await this.job.send({ type: 'epoch', epoch, metrics, tensors: tf.memory().numTensors, checkpoint });
  }

  private async checkpoint(): Promise<string> {
    const { model, optimizer } = this.learner;
    const { step, vectors } = await optimizer.save();
    this.state.optimizerStep = step;
    const weights = await readWeights(model);
    return writeCheckpoint(this.spec.outputDir, {
      state: this.state,
      weights,
      best: this.best,
      optimizer: vectors,
    });
  }

  private async stop(): Promise<TrainingResult> {
    return { type: 'stopped', checkpoint: await this.checkpoint() };
  }

  private async finish(): Promise<TrainingResult> {
    const { spec, state, earlyStopping } = this;
    writeWeights(this.learner.model, this.best!);
    await saveModel(join(spec.outputDir, 'model'), this.learner.model, this.about);
    await writeReports(spec.outputDir, state.history, this.about);
    return {
      type: 'trained',
      bestEpoch: earlyStopping.state!.bestEpoch,
      epochsRun: state.history.length,
      stoppedEarly: state.history.length < spec.parameters.epochs,
      artifacts: ARTIFACTS,
    };
  }
}

function indicesOf(samples: readonly Sample[], split: Sample['split']): Uint32Array {
  return Uint32Array.from(samples.flatMap((sample, index) => (sample.split === split ? [index] : [])));
}

function initialState(spec: TrainingSpec, trainSamples: number, validationSamples: number): CheckpointState {
  return {
    version: 1,
    parameters: spec.parameters,
    classes: spec.classes,
    conditions: spec.conditions,
    trainSamples,
    validationSamples,
    epoch: 1,
    batch: 0,
    imagesDone: 0,
    running: emptyTally(spec.conditions.length),
    earlyStopping: null,
    history: [],
    optimizerStep: 0,
  };
}

/** A class that training never sees cannot be learnt. An empty validation split is allowed. */
function checkSamples(samples: readonly Sample[], classes: readonly string[]): void {
  const train = samples.filter(({ split }) => split === 'TRAIN');
  if (!train.length) throw new TrainingError('SPLIT_EMPTY', 'The TRAIN split has no sample.');
  const seen = new Set(train.map(({ label }) => label));
  const missing = classes.filter((_, label) => !seen.has(label));
  if (missing.length)
    throw new TrainingError(
      'SPLIT_CLASS_EMPTY',
      `The TRAIN split has no sample of class ${missing.join(', ')}.`,
    );
}

function checkResumable(state: CheckpointState, spec: TrainingSpec, samples: readonly Sample[]): void {
  const now = initialState(spec, indicesOf(samples, 'TRAIN').length, indicesOf(samples, 'VALIDATION').length);
  for (const key of ['parameters', 'classes', 'conditions', 'trainSamples', 'validationSamples'] as const)
    if (JSON.stringify(state[key]) !== JSON.stringify(now[key]))
      throw new TrainingError(
        'CHECKPOINT_INVALID',
        `Checkpoint ${spec.resumeFrom} was made with other ${key}.`,
      );
}
