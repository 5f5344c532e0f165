/** The resamples of a plan, in this thread or in others: the same numbers either way. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { drawUnits } from '../resampling.js';
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

export interface ResampleOptions {
  resamples: number;
  seed: number;
  threads?: number;
  signal?: AbortSignal;
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
  if (!Number.isInteger(resamples) || resamples < 1)
    throw new RangeError(`bootstrap: ${resamples} resamples; take 1,000 or more`);
  signal?.throwIfAborted();
  const rows = plan.cells.map(
    () => new Float64Array(new SharedArrayBuffer(resamples * Float64Array.BYTES_PER_ELEMENT)),
  );
  if (unitCount === 0) return rows.map((row) => row.fill(NaN));
  const task = { plan, units, unitCount, seed, resamples, rows };
  const count = threads ?? (stepsOf(plan) * resamples > STEPS_WORTH_A_THREAD ? coresToUse() : 0);
  if (count === 0) await runHere({ ...task, from: 0, step: 1 }, signal);
  else
    await Promise.all(
      Array.from({ length: count }, (_, from) => runInThread({ ...task, from, step: count }, signal)),
    );
  return rows;
}

const coresToUse = () => Math.min(MOST_THREADS, availableParallelism());

const stepsOf = ({ lists, counters, images }: Plan) =>
  lists.reduce((sum, { entries }) => sum + entries.length, 0) + counters.length * images;

/** Yields after each resample, so that it can be stopped. */
export function* resampling(task: ResampleTask): Generator<void> {
  const { plan, units, unitCount, seed, resamples, from, step, rows } = task;
  const evaluator = new PlanEvaluator(plan);
  const counts = new Int32Array(unitCount);
  const weights = new Int32Array(plan.images);
  for (let resample = from; resample < resamples; resample += step) {
    drawUnits(unitCount, seed, resample, counts);
    for (let i = 0; i < weights.length; i++) weights[i] = counts[units[i]!]!;
    evaluator.weigh(weights);
    plan.cells.forEach((cell, c) => (rows[c]![resample] = evaluator.value(cell) ?? NaN));
    yield;
  }
}

/** Gives way to other work every 20 ms. */
async function runHere(task: ResampleTask, signal: AbortSignal | undefined): Promise<void> {
  let since = performance.now();
  for (const _ of resampling(task)) {
    if (performance.now() - since < 20) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    since = performance.now();
  }
}

async function runInThread(task: ResampleTask, signal: AbortSignal | undefined): Promise<void> {
  const worker = new Worker(new URL('./resampleWorker.js', import.meta.url), { workerData: task });
  const stop = () => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`bootstrap: a thread ended with code ${code}`)),
      );
    }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
