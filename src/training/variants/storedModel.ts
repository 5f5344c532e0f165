/** A model that was stored, loaded once and asked often. */
import { evenBatches } from '../input/batches.js';
import { yieldToEvents } from '../job.js';
import { loadModel, type LoadedModel } from '../modelFiles.js';
import type { Frame, TaskName } from '../protocol.js';
import { TASK } from '../tasks/index.js';
import type { Item } from '../tasks/task.js';

const BATCH = 32;
/** Items held decoded at a time. */
const CHUNK = 1024;

/** A frame of which nobody says what is in it. */
export const frameItem = (id: string, file: string): Frame => ({
  ...{ id, file, split: 'TEST', conditions: [], boxes: [] },
});

export interface AskOptions {
  signal?: AbortSignal;
  onProgress?: (items: number) => void;
}

export class StoredModel {
  private constructor(
    readonly task: TaskName,
    private readonly loaded: LoadedModel<unknown>,
  ) {}

  /** Onto the engine that has been started. @throws TrainingError MODEL_INVALID */
  static async load(task: TaskName, modelDir: string): Promise<StoredModel> {
    return new StoredModel(task, await loadModel(modelDir, TASK[task].preprocessing));
  }

  get classes(): string[] {
    return this.loaded.classes;
  }

  /** Of the file's items. @throws TrainingError SPEC_INVALID */
  readItems(samplesFile: string): Promise<Item[]> {
    return TASK[this.task].readItems({ samplesFile, classes: this.classes, conditions: [] });
  }

  /**
   * One answer an item, in their order: the lines of the task's predictions file.
   * @throws TrainingError PICTURE_UNREADABLE, BOX_OUTSIDE_PICTURE, …; the signal's reason
   */
  async ask<A>(items: readonly Item[], { signal, onProgress }: AskOptions = {}): Promise<A[]> {
    const answers: A[] = [];
    for (let from = 0; from < items.length; from += CHUNK) {
      const chunk = items.slice(from, from + CHUNK);
      const spec = { classes: this.classes, batchSize: BATCH };
      const predictor = TASK[this.task].predictor(spec as never, chunk, this.loaded);
      await predictor.load({ signal });
      for (const indices of evenBatches(Uint32Array.from(chunk.keys()), BATCH)) {
        signal?.throwIfAborted();
        answers.push(...((await predictor.predict(indices)) as A[]));
        onProgress?.(answers.length);
        await yieldToEvents();
      }
    }
    return answers;
  }

  dispose(): void {
    this.loaded.model.dispose();
  }
}
