/** Predictions of any framework, one detection at a time, in the words of the catalog. */
import { LearningTask } from '../../catalog/vocabulary.js';
import type { FileSet } from '../../datasets/formats/read/input.js';
import type { Read, ReadContext } from './prediction.js';
import { readCocoResults } from './readCoco.js';
import { readJsonl } from './readJsonl.js';
import { readLightsJsonl } from './readLightsJsonl.js';
import { readScalabelPredictions } from './readScalabel.js';

export const PREDICTION_FORMATS = ['COCO', 'SCALABEL', 'JSONL'] as const;
export type PredictionFormat = (typeof PREDICTION_FORMATS)[number];

type Reader = (input: FileSet, context: ReadContext) => AsyncGenerator<Read, void>;

const READERS: Record<LearningTask, Partial<Record<PredictionFormat, Reader>>> = {
  [LearningTask.LIGHT_DETECTION]: {
    COCO: readCocoResults,
    SCALABEL: readScalabelPredictions,
    JSONL: readJsonl,
  },
  [LearningTask.LIGHT_STATE]: { JSONL: readLightsJsonl },
};

/** What predictions of a task can be read from. */
export const formatsOf = (task: LearningTask): PredictionFormat[] =>
  PREDICTION_FORMATS.filter((format) => READERS[task][format]);

/** @throws ShingoError LABELS_INVALID, LABELS_UNKNOWN_VALUE */
export async function* readPredictions(
  input: FileSet,
  { task, format }: { task: LearningTask; format: PredictionFormat },
  context: ReadContext,
): AsyncGenerator<Read, void> {
  const reader = READERS[task][format];
  if (!reader) throw new RangeError(`${task} is not read from ${format}`);
  yield* reader(input, context);
}
