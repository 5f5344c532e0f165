/** What a stored model says of items: the evaluator's path, without its files. */
import { evenBatches } from '../input/batches.js';
import { yieldToEvents } from '../job.js';
import { loadModel } from '../modelFiles.js';
import type { TaskName } from '../protocol.js';
import { TASK } from '../tasks/index.js';

export interface AnswerOptions {
  task: TaskName;
  modelDir: string;
  /** JSON lines as the task's samples file has them. */
  samplesFile: string;
  signal?: AbortSignal;
  onProgress?: (items: number) => void;
}

const BATCH = 32;
/** Items held decoded at a time. */
const CHUNK = 1024;

/**
 * One answer an item, in the order of the file. The engine must have been started.
 * @throws TrainingError MODEL_INVALID, PICTURE_UNREADABLE, …; the signal's reason
 */
export async function answersOf<A>(options: AnswerOptions): Promise<A[]> {
  const { modelDir, samplesFile, signal, onProgress } = options;
  const task = TASK[options.task];
  const loaded = await loadModel(modelDir, task.preprocessing);
  try {
    const { classes } = loaded;
    const items = await task.readItems({ samplesFile, classes, conditions: [] });
    const answers: A[] = [];
    for (let from = 0; from < items.length; from += CHUNK) {
      const chunk = items.slice(from, from + CHUNK);
      const predictor = task.predictor({ classes, batchSize: BATCH } as never, chunk, loaded);
      await predictor.load({ signal });
      for (const indices of evenBatches(Uint32Array.from(chunk.keys()), BATCH)) {
        signal?.throwIfAborted();
        answers.push(...((await predictor.predict(indices)) as A[]));
        onProgress?.(answers.length);
        await yieldToEvents();
      }
    }
    return answers;
  } finally {
    loaded.model.dispose();
  }
}
