/** Trains one network on one data set, resumably. */
import { join } from 'node:path';
import { ARTIFACTS, writeReports } from './artifacts.js';
import { readCheckpoint, writeCheckpoint, type Checkpoint, type CheckpointState } from './checkpoint.js';
import { EarlyStopping, modeOf, monitored } from './earlyStopping.js';
import { TrainingError } from './error.js';
import { drawsOf, type Draw } from './input/augment/index.js';
import { evenBatches, shuffled } from './input/batches.js';
import { mixedOrder, poolsOf, type Pool } from './input/mix.js';
import { yieldToEvents, type Job } from './job.js';
import { Learner, type BatchResult } from './learner.js';
import { saveModel } from './modelFiles.js';
import { networkOf } from './networks/build.js';
import { Progress, type Phase } from './progress.js';
import type { TrainerArtifact, TrainerMessage, TrainingSpec } from './protocol.js';
import { learningRateAt } from './schedule.js';
import { freeze, takeWeights } from './startingWeights.js';
import { TASK } from './tasks/index.js';
import type { Batch, Item, Tally, TrainingTask } from './tasks/task.js';
import { tf } from './tensorflow.js';
import { Waiting } from './waiting.js';
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

/** Batches whose pictures are asked for at a time: the one that is next, and the two after it. */
const AHEAD = 3;

class Training {
  private readonly waiting = new Waiting();
  private readonly learner: Learner;
  private readonly trainIndices: Uint32Array;
  private readonly validationIndices: Uint32Array;
  private readonly progress: Progress;
  private readonly earlyStopping: EarlyStopping;
  private readonly state: CheckpointState;
  private best: Float32Array | null;
  /** The weights to judge by as the last epoch left them. */
  private last: Float32Array | null = null;
  /** For batches that are mixed by condition. */
  private readonly pools: Pool[];

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
    const mixed = Object.keys(parameters.mixConditions);
    this.pools = poolsOf(this.trainIndices, (index) => items[index]!.conditions, mixed, spec.conditions);
    freeze(
      task.model,
      networkOf(parameters)
        .blocks({ ...parameters })
        .slice(0, parameters.freezeBlocks),
    );
    this.learner = new Learner(
      parameters,
      task,
      (message) => void job.send({ type: 'log', level: 'info', message }),
    );
    this.state = resumed?.state ?? { ...beginning(spec, items), running: task.emptyTally() };
    this.best = resumed?.best ?? null;
    this.earlyStopping = new EarlyStopping(
      parameters.patience,
      modeOf(parameters.monitor),
      this.state.earlyStopping,
    );
    const total = items.length * parameters.epochs;
    this.progress = new Progress((m) => void job.send(m), total, parameters.epochs, this.state.imagesDone);
  }

  async run(): Promise<TrainingResult> {
    const { epochs } = this.spec.parameters;
    const { pauseAfter = epochs } = this.spec;
    await this.begin();
    await this.load();
    if (this.job.signal.aborted) return this.stop();
    try {
      while (this.state.epoch <= epochs && !this.earlyStopping.exhausted)
        if (this.state.epoch > pauseAfter || !(await this.runEpoch())) return this.stop();
    } catch (error) {
      if (error instanceof TrainingError && error.code === 'LOSS_NOT_FINITE')
        error.artifacts = await this.salvage();
      throw error;
    }
    return this.finish();
  }

  private async begin(): Promise<void> {
    const { task, spec, resumed } = this;
    if (spec.startFrom !== null) {
      const { taken, fresh } = await takeWeights(task.model, spec.classes, spec.startFrom);
      const rest = fresh.length ? `; these begin afresh: ${fresh.slice(0, 20).join(', ')}` : '';
      const message = `${taken.length} layers start from given weights${rest}.`;
      if (!resumed) await this.job.send({ type: 'log', level: 'info', message });
    }
    // Before the weights are restored: every attempt begins with the same network.
    await saveModel(join(spec.outputDir, 'initial'), task.model, task.about);
    if (resumed) await this.restore(resumed);
    else this.learner.average?.restore(await readWeights(task.model), 0);
  }

  dispose(): void {
    this.learner.dispose();
    this.task.dispose();
  }

  private async restore({ weights, optimizer, average, state }: Checkpoint): Promise<void> {
    writeWeights(this.task.model, weights);
    this.learner.optimizer.restore({ step: state.optimizerStep, vectors: optimizer });
    if (average) this.learner.average?.restore(average, state.optimizerStep);
    this.last = await this.learner.judged();
  }

  private async load(): Promise<void> {
    const { signal } = this.job;
    const onProgress = () => this.progress.advance('LOADING', 0);
    onProgress();
    await this.task.load({ signal, onProgress });
  }

  /** False when asked to stop before the epoch's end. */
  private async runEpoch(): Promise<boolean> {
    const { state, spec } = this;
    const { batchSize, seed } = spec.parameters;
    const batches = evenBatches(this.order(seed, state.epoch), batchSize);
    for (const batch of batches.slice(state.batch)) {
      this.prefetch(batches.slice(state.batch, state.batch + AHEAD));
      await this.trainBatch(batch, learningRateAt(spec.parameters, state.epoch, state.batch, batches.length));
      if (this.job.signal.aborted) return false;
    }
    const validation = await this.learner.judging(() => this.validate());
    if (!validation) return false;
    await this.endEpoch(validation);
    return true;
  }

  /** Which items, in which order; from seed and epoch alone. */
  private order(seed: number, epoch: number): Uint32Array {
    const { trainIndices, pools } = this;
    const mixed = Object.keys(this.spec.parameters.mixConditions).length > 0;
    return mixed ? mixedOrder(pools, trainIndices.length, seed, epoch) : shuffled(trainIndices, seed, epoch);
  }

  /** Null when asked to stop; the validation is then run anew after resuming. */
  private async validate(): Promise<Tally | null> {
    const tally = this.task.emptyTally();
    const imagesDone = this.progress.imagesDone;
    const batches = evenBatches(this.validationIndices, this.spec.parameters.batchSize);
    for (const [i, batch] of batches.entries()) {
      this.prefetch(batches.slice(i, i + AHEAD));
      await this.validateBatch(batch, tally);
      if (this.job.signal.aborted) {
        this.state.imagesDone = imagesDone;
        return null;
      }
    }
    return tally;
  }

  /** The next ones are decoded while this one is learnt from. */
  private prefetch(batches: readonly Uint32Array[]): void {
    for (const indices of batches) this.task.prefetch(indices);
  }

  private async trainBatch(indices: Uint32Array, rate: number): Promise<void> {
    const { state, spec } = this;
    const draws = (index: number) => drawsOf(spec.parameters.seed, state.epoch, index);
    await this.runBatch(indices, draws, state.running, (batch) => this.learner.train(batch, rate));
    state.batch += 1;
    await this.advance('TRAINING', indices.length);
  }

  private async validateBatch(indices: Uint32Array, tally: Tally): Promise<void> {
    await this.runBatch(indices, null, tally, (batch) => this.learner.validate(batch));
    await this.advance('VALIDATING', indices.length);
  }

  private async runBatch(
    indices: Uint32Array,
    draws: ((index: number) => Draw) | null,
    tally: Tally,
    run: (batch: Batch) => Promise<BatchResult>,
  ): Promise<void> {
    const batch = await this.waiting.during(() => this.task.batch(indices, draws));
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
    this.last = await this.learner.judged();
    const value = monitored(this.spec.parameters.monitor, metrics);
    if (this.earlyStopping.observe(epoch, value)) this.best = this.last;
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
      average: (await this.learner.average?.read()) ?? null,
      optimizer: vectors,
    });
  }

  private async sayWaiting(): Promise<void> {
    const percent = (100 * this.waiting.share).toFixed(1);
    const message = `The trainer waited for data ${percent} % of its time.`;
    await this.job.send({ type: 'log', level: 'info', message });
  }

  private async stop(): Promise<TrainingResult> {
    await this.sayWaiting();
    return { type: 'stopped', checkpoint: await this.checkpoint() };
  }

  private async finish(): Promise<TrainingResult> {
    await this.sayWaiting();
    const { spec, state, earlyStopping } = this;
    await this.saveModels();
    return {
      type: 'trained',
      bestEpoch: earlyStopping.state!.bestEpoch,
      epochsRun: state.history.length,
      stoppedEarly: state.history.length < spec.parameters.epochs,
      artifacts: ARTIFACTS,
    };
  }

  /** What is good of a training that went wrong: nothing before its first epoch ended. */
  private async salvage(): Promise<TrainerArtifact[]> {
    if (!this.best) return [];
    await this.saveModels();
    return ARTIFACTS;
  }

  private async saveModels(): Promise<void> {
    const { spec, state, task } = this;
    writeWeights(task.model, this.last!);
    await saveModel(join(spec.outputDir, 'last'), task.model, task.about);
    writeWeights(task.model, this.best!);
    await saveModel(join(spec.outputDir, 'model'), task.model, task.about);
    await writeReports(spec.outputDir, state.history, task.about);
  }
}

function indicesOf(items: readonly Item[], split: Item['split']): Uint32Array {
  return Uint32Array.from(items.flatMap((item, index) => (item.split === split ? [index] : [])));
}

/** The state before the first batch, but for the task's tally. */
function beginning(spec: TrainingSpec, items: readonly Item[]): Omit<CheckpointState, 'running'> {
  return {
    version: 2,
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
