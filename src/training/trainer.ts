/** Trains one network on one data set, resumably. */
import { join } from 'node:path';
import { ARTIFACTS, writeReports } from './artifacts.js';
import { readCheckpoint, writeCheckpoint, type Checkpoint, type CheckpointState } from './checkpoint.js';
import { EarlyStopping } from './earlyStopping.js';
import { TrainingError } from './error.js';
import { evenBatches, shuffled } from './input/batches.js';
import { yieldToEvents, type Job } from './job.js';
import { Learner, type BatchResult } from './learner.js';
import { learningRateAt } from './schedule.js';
import { saveModel } from './modelFiles.js';
import { Progress, type Phase } from './progress.js';
import type { TrainerMessage, TrainingSpec } from './protocol.js';
import { generator, mixSeeds } from './random.js';
import { TASK } from './tasks/index.js';
import type { Batch, Item, Tally, TrainingTask } from './tasks/task.js';
import { tf } from './tensorflow.js';
import { readWeights, writeWeights } from './weights.js';

export type TrainingResult = Extract<TrainerMessage, { type: 'trained' | 'stopped' }>;

/** Runs until the last epoch, early stopping or `job.signal`. The engine must have been started. */
export async function train(spec: TrainingSpec, job: Job): Promise<TrainingResult> {
  const task = TASK[spec.parameters.task];
  const items = (await task.readItems(spec)).filter(({ split }) => split !== 'TEST');
  const resumed = spec.resumeFrom === null ? null : await readCheckpoint(spec.resumeFrom);
  if (resumed) checkResumable(resumed.state, spec, items);
  const training = new Training(spec, job, task.training(spec, items), items, resumed);
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
  private readonly progress: Progress;
  private readonly earlyStopping: EarlyStopping;
  private readonly state: CheckpointState;
  private best: Float32Array | null;

  constructor(
    private readonly spec: TrainingSpec,
    private readonly job: Job,
    private readonly task: TrainingTask,
    items: readonly Item[],
    private readonly resumed: Checkpoint | null,
  ) {
    const { parameters } = spec;
    this.trainIndices = indicesOf(items, 'TRAIN');
    this.validationIndices = indicesOf(items, 'VALIDATION');
    this.learner = new Learner(parameters, task);
    this.state = resumed?.state ?? { ...beginning(spec, items), running: task.emptyTally() };
    this.best = resumed?.best ?? null;
    this.earlyStopping = new EarlyStopping(parameters.patience, this.state.earlyStopping);
    const total = items.length * parameters.epochs;
    this.progress = new Progress((m) => void job.send(m), total, parameters.epochs, this.state.imagesDone);
  }

  async run(): Promise<TrainingResult> {
    const { outputDir, parameters } = this.spec;
    // Before the weights are restored: the same seed builds the same untrained network in every attempt.
    await saveModel(join(outputDir, 'initial'), this.task.model, this.task.about);
    if (this.resumed) this.restore(this.resumed);
    await this.load();
    if (this.job.signal.aborted) return this.stop();
    while (this.state.epoch <= parameters.epochs && !this.earlyStopping.exhausted)
      if (!(await this.runEpoch())) return this.stop();
    return this.finish();
  }

  dispose(): void {
    this.learner.dispose();
    this.task.dispose();
  }

  private restore({ weights, optimizer, state }: Checkpoint): void {
    writeWeights(this.task.model, weights);
    this.learner.optimizer.restore({ step: state.optimizerStep, vectors: optimizer });
  }

  private async load(): Promise<void> {
    const { signal } = this.job;
    const onProgress = () => this.progress.advance('LOADING', 0);
    await this.task.load({ signal, onProgress });
  }

  /** False when asked to stop before the epoch's end. */
  private async runEpoch(): Promise<boolean> {
    const { state, spec } = this;
    const { batchSize, seed } = spec.parameters;
    const batches = evenBatches(shuffled(this.trainIndices, seed, state.epoch), batchSize);
    for (const batch of batches.slice(state.batch)) {
      await this.trainBatch(batch, learningRateAt(spec.parameters, state.epoch, state.batch, batches.length));
      if (this.job.signal.aborted) return false;
    }
    const validation = await this.validate();
    if (!validation) return false;
    await this.endEpoch(validation);
    return true;
  }

  /** Null when asked to stop; the validation is then run anew after resuming. */
  private async validate(): Promise<Tally | null> {
    const tally = this.task.emptyTally();
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

  private async trainBatch(indices: Uint32Array, rate: number): Promise<void> {
    const { state, spec } = this;
    const random = generator(mixSeeds(spec.parameters.seed, state.epoch, state.batch));
    await this.runBatch(indices, random, state.running, (batch) => this.learner.train(batch, rate));
    state.batch += 1;
    await this.advance('TRAINING', indices.length);
  }

  private async validateBatch(indices: Uint32Array, tally: Tally): Promise<void> {
    await this.runBatch(indices, null, tally, (batch) => this.learner.validate(batch));
    await this.advance('VALIDATING', indices.length);
  }

  private async runBatch(
    indices: Uint32Array,
    random: (() => number) | null,
    tally: Tally,
    run: (batch: Batch) => Promise<BatchResult>,
  ): Promise<void> {
    const batch = await this.task.batch(indices, random);
    try {
      const { loss, outputs } = await run(batch);
      this.task.count(tally, batch, loss, outputs);
    } finally {
      tf.dispose([batch.x, batch.targets]);
    }
  }

  /** Between batches messages get their turn: this is where a `stop` is seen. */
  private async advance(phase: Phase, images: number): Promise<void> {
    this.progress.advance(phase, images, phase === 'LOADING' ? null : this.state.epoch);
    this.state.imagesDone = this.progress.imagesDone;
    await yieldToEvents();
  }

  private async endEpoch(validation: Tally): Promise<void> {
    const { state, task } = this;
    const { epoch } = state;
    const metrics = [...task.metrics(state.running, 'TRAIN'), ...task.metrics(validation, 'VALIDATION')];
    const judged = validation.n ? validation : state.running;
    if (this.earlyStopping.observe(epoch, judged.lossSum / judged.n))
      this.best = await readWeights(task.model);
    state.earlyStopping = this.earlyStopping.state;
    state.history.push({ epoch, metrics });
    Object.assign(state, { epoch: epoch + 1, batch: 0, running: task.emptyTally() });
    const checkpoint = await this.checkpoint();
    await this.job.send({ type: 'epoch', epoch, metrics, tensors: tf.memory().numTensors, checkpoint });
  }

  private async checkpoint(): Promise<string> {
    const { step, vectors } = await this.learner.optimizer.save();
    this.state.optimizerStep = step;
    const weights = await readWeights(this.task.model);
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
    const { spec, state, task, earlyStopping } = this;
    writeWeights(task.model, this.best!);
    await saveModel(join(spec.outputDir, 'model'), task.model, task.about);
    await writeReports(spec.outputDir, state.history, task.about);
    return {
      type: 'trained',
      bestEpoch: earlyStopping.state!.bestEpoch,
      epochsRun: state.history.length,
      stoppedEarly: state.history.length < spec.parameters.epochs,
      artifacts: ARTIFACTS,
    };
  }
}

function indicesOf(items: readonly Item[], split: Item['split']): Uint32Array {
  return Uint32Array.from(items.flatMap((item, index) => (item.split === split ? [index] : [])));
}

/** The state before the first batch, but for the task's tally. */
function beginning(spec: TrainingSpec, items: readonly Item[]): Omit<CheckpointState, 'running'> {
  return {
    version: 1,
    parameters: spec.parameters,
    classes: spec.classes,
    conditions: spec.conditions,
    trainSamples: indicesOf(items, 'TRAIN').length,
    validationSamples: indicesOf(items, 'VALIDATION').length,
    epoch: 1,
    batch: 0,
    imagesDone: 0,
    earlyStopping: null,
    history: [],
    optimizerStep: 0,
  };
}

function checkResumable(state: CheckpointState, spec: TrainingSpec, items: readonly Item[]): void {
  const now = beginning(spec, items);
  for (const key of ['parameters', 'classes', 'conditions', 'trainSamples', 'validationSamples'] as const)
    if (JSON.stringify(state[key]) !== JSON.stringify(now[key]))
      throw new TrainingError(
        'CHECKPOINT_INVALID',
        `Checkpoint ${spec.resumeFrom} was made with other ${key}.`,
      );
}
