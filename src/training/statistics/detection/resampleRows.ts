/** The resamples of a plan, in this thread or in others: the same numbers either way. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type BootstrapOptions, checkResamples, Drawing, givingWay } from '../resampling.js';
import { type Plan, PlanEvaluator } from './plan.js';

/** Resamples number `from`, `from` + `step`, …; everything large in it is shared memory. */
export interface ResampleTask {
  plan: Plan;
  /** Unit of each image. */
  units: Int32Array;
  unitCount: number;
  seed: number;
  resamples: number;
  from: number;
  step: number;
  /** [cell][resample]: where the values go; NaN where there is none. */
  rows: Float64Array[];
}

export interface ResampleOptions extends BootstrapOptions {
  /**
   * Threads beside this one; missing: as many as there are cores, at most 2, and none for what takes no time. The
   * answer does not depend on it. 0: in this thread, which gives way to other work every 20 ms.
   */
  threads?: number;
}

/** A thread takes 40 ms to start: below so many steps, about 50 ms of work, none is. */
const STEPS_WORTH_A_THREAD = 2e7;
/** The trainer, the worker and the database want cores as well. */
const MOST_THREADS = 2;

/** @throws the signal's reason; RangeError when there is nothing to draw from. */
export async function resampleRows(
  plan: Plan,
  units: Int32Array,
  unitCount: number,
  { resamples, seed, threads, signal }: ResampleOptions,
): Promise<Float64Array[]> {
  checkResamples(resamples);
  signal?.throwIfAborted();
  const rows = plan.cells.map(
    () => new Float64Array(new SharedArrayBuffer(resamples * Float64Array.BYTES_PER_ELEMENT)),
  );
  if (unitCount === 0) return rows.map((row) => row.fill(NaN));
  const task = { plan, units, unitCount, seed, resamples, rows };
  const count = threads ?? (stepsOf(plan) * resamples > STEPS_WORTH_A_THREAD ? coresToUse() : 0);
  if (count === 0) await givingWay(resampling({ ...task, from: 0, step: 1 }), signal);
  else
    await Promise.all(
      Array.from({ length: count }, (_, from) => runInThread({ ...task, from, step: count }, signal)),
    );
  return rows;
}

const coresToUse = () => Math.min(MOST_THREADS, availableParallelism());

const stepsOf = ({ curves, lists, counters, images }: Plan) =>
  [...curves.map((curve) => curve.images), ...lists, ...counters].reduce(
    (sum, { length }) => sum + length,
    images,
  );

/** Yields after each resample, so that it can be stopped. */
export function* resampling(task: ResampleTask): Generator<void> {
  const { plan, units, unitCount, seed, resamples, from, step, rows } = task;
  const evaluator = new PlanEvaluator(plan);
  const drawing = new Drawing(units, unitCount, seed);
  for (let resample = from; resample < resamples; resample += step) {
    evaluator.weigh(drawing.weights(resample));
    plan.cells.forEach((cell, c) => (rows[c]![resample] = evaluator.value(cell) ?? NaN));
    yield;
  }
}

async function runInThread(task: ResampleTask, signal: AbortSignal | undefined): Promise<void> {
  const worker = new Worker(new URL('./resampleWorker.js', import.meta.url), { workerData: task });
  const stop = () => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', resolve);
  }).finally(() => signal?.removeEventListener('abort', stop));
  // First, as a thread that is stopped while it starts ends with code 0.
  signal?.throwIfAborted();
  if (code !== 0) throw new Error(`bootstrap: a thread ended with code ${code}`);
}
