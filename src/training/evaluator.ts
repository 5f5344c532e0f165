/** Runs a stored model over samples and writes what it predicts for each. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { TrainingError } from './error.js';
import { evenBatches } from './input/batches.js';
import { yieldToEvents, type Job } from './job.js';
import { loadModel } from './modelFiles.js';
import { Progress } from './progress.js';
import type { EvaluationSpec, TrainerMessage } from './protocol.js';
import { TASK } from './tasks/index.js';
import type { Predictor } from './tasks/task.js';

export type EvaluationResult = Extract<TrainerMessage, { type: 'evaluated' | 'stopped' }>;

const PREDICTIONS = 'predictions.jsonl';
/** Items held decoded at a time: 12 MB of crops at 32 px, whatever the size of the data set. */
const CHUNK = 4096;

/** All items of the file, whatever their split, in its order. The engine must have been started. */
export async function evaluate(spec: EvaluationSpec, job: Job): Promise<EvaluationResult> {
  const task = TASK[spec.task];
  const items = await task.readItems(spec);
  if (!items.length) throw new TrainingError('SPLIT_EMPTY', 'There is no sample to evaluate on.');
  const loaded = await loadModel(spec.modelDir, task.preprocessing);
  try {
    if (JSON.stringify(loaded.classes) !== JSON.stringify(spec.classes))
      throw new TrainingError(
        'MODEL_INVALID',
        `The model tells apart ${loaded.classes.join(', ')}, not ${spec.classes.join(', ')}.`,
      );
    const predictorOf = (from: number) => {
      const chunk = items.slice(from, from + CHUNK);
      return { size: chunk.length, predictor: task.predictor(spec, chunk, loaded) };
    };
    const complete = await writePredictions(spec, items.length, predictorOf, job);
    if (!complete) return { type: 'stopped', checkpoint: null };
    return { type: 'evaluated', predictions: PREDICTIONS, n: items.length };
  } finally {
    loaded.model.dispose();
  }
}

async function writePredictions(
  spec: EvaluationSpec,
  items: number,
  predictorOf: (from: number) => { size: number; predictor: Predictor },
  job: Job,
): Promise<boolean> {
  const file = join(spec.outputDir, PREDICTIONS);
  const stream = createWriteStream(`${file}.tmp`, { flush: true });
  const progress = new Progress((message) => void job.send(message), items);
  try {
    for (let from = 0; from < items; from += CHUNK) {
      const { size, predictor } = predictorOf(from);
      for await (const lines of predict(predictor, size, spec.batchSize, job.signal, progress))
        if (!stream.write(lines)) await once(stream, 'drain');
      if (job.signal.aborted) return false;
    }
  } finally {
    stream.end();
    await finished(stream);
  }
  await rename(`${file}.tmp`, file);
  return true;
}

/** The JSON lines of each batch. Ends early when the signal is aborted. */
async function* predict(
  predictor: Predictor,
  size: number,
  batchSize: number,
  signal: AbortSignal,
  progress: Progress,
): AsyncGenerator<string> {
  await predictor.load({ signal, onProgress: () => progress.advance('LOADING', 0) });
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  for (const indices of evenBatches(order, batchSize)) {
    if (signal.aborted) return;
    const lines = await predictor.predict(indices);
    yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    progress.advance('EVALUATING', indices.length);
    await yieldToEvents();
  }
}
