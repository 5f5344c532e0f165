/** Runs a stored model over samples and writes what it predicts for each. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { TrainingError } from './error.js';
import { evenBatches, inputBatch } from './input/batches.js';
import { loadPictures } from './input/pictures.js';
import { readSamples } from './input/samples.js';
import { yieldToEvents, type Job } from './job.js';
import { argmaxRows } from './learner.js';
import { loadModel, type LoadedModel } from './modelFiles.js';
import { Progress } from './progress.js';
import type { EvaluationSpec, Sample, TrainerMessage } from './protocol.js';
import { tf } from './tensorflow.js';

export type EvaluationResult = Extract<TrainerMessage, { type: 'evaluated' | 'stopped' }>;

const PREDICTIONS = 'predictions.jsonl';
/** Samples decoded at a time: 12 MB at 32 px, whatever the size of the data set. */
const CHUNK = 4096;

/** All samples of the file, whatever their split, in its order. The engine must have been started. */
export async function evaluate(spec: EvaluationSpec, job: Job): Promise<EvaluationResult> {
  const samples = await readSamples(spec.samplesFile, spec);
  if (!samples.length) throw new TrainingError('SPLIT_EMPTY', 'There is no sample to evaluate on.');
  const loaded = await loadModel(spec.modelDir);
  try {
    if (JSON.stringify(loaded.classes) !== JSON.stringify(spec.classes))
      throw new TrainingError(
        'MODEL_INVALID',
        `The model tells apart ${loaded.classes.join(', ')}, not ${spec.classes.join(', ')}.`,
      );
    const complete = await writePredictions(spec, samples, loaded, job);
    if (!complete) return { type: 'stopped', checkpoint: null };
    return { type: 'evaluated', predictions: PREDICTIONS, n: samples.length };
  } finally {
    loaded.model.dispose();
  }
}

async function writePredictions(
  spec: EvaluationSpec,
  samples: readonly Sample[],
  loaded: LoadedModel,
  job: Job,
) {
  const file = join(spec.outputDir, PREDICTIONS);
  const stream = createWriteStream(`${file}.tmp`, { flush: true });
  const progress = new Progress((message) => void job.send(message), samples.length);
  try {
    for (let from = 0; from < samples.length; from += CHUNK) {
      const chunk = samples.slice(from, from + CHUNK);
      for await (const lines of predict(chunk, loaded, spec.batchSize, job.signal, progress))
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
  samples: readonly Sample[],
  { model, preprocessing, classes }: LoadedModel,
  batchSize: number,
  signal: AbortSignal,
  progress: Progress,
): AsyncGenerator<string> {
  const onProgress = () => progress.advance('LOADING', 0);
  const pictures = await loadPictures(samples, preprocessing, { signal, onProgress });
  const order = Uint32Array.from(samples.keys());
  for (const indices of evenBatches(order, batchSize)) {
    if (signal.aborted) return;
    const output = tf.tidy(() => model.apply(inputBatch(pictures, indices, preprocessing)) as tf.Tensor2D);
    const scores = await output.data();
    output.dispose();
    const predicted = argmaxRows(scores, classes.length);
    yield Array.from(indices, (index, i) => {
      const { id, label } = samples[index]!;
      // Float32 holds no more than seven digits.
      const row = Array.from(
        scores.subarray(i * classes.length, (i + 1) * classes.length),
        (s) => +s.toFixed(7),
      );
      return `${JSON.stringify({ id, label, predicted: predicted[i], scores: row })}\n`;
    }).join('');
    progress.advance('EVALUATING', indices.length);
    await yieldToEvents();
  }
}
