/** Predictions of any framework, one detection at a time, in the words of the catalog. */
import type { FileSet } from '../../datasets/formats/read/input.js';
import type { Read, ReadContext } from './prediction.js';
import { readCocoResults } from './readCoco.js';
import { readJsonl } from './readJsonl.js';
import { readScalabelPredictions } from './readScalabel.js';

export const PREDICTION_FORMATS = ['COCO', 'SCALABEL', 'JSONL'] as const;
export type PredictionFormat = (typeof PREDICTION_FORMATS)[number];

const READERS: Record<
  PredictionFormat,
  (input: FileSet, context: ReadContext) => AsyncGenerator<Read, void>
> = {
  COCO: readCocoResults,
  SCALABEL: readScalabelPredictions,
  JSONL: readJsonl,
};

/** @throws ShingoError LABELS_INVALID, LABELS_UNKNOWN_VALUE */
export async function* readPredictions(
  input: FileSet,
  format: PredictionFormat,
  context: ReadContext,
): AsyncGenerator<Read, void> {
  yield* READERS[format](input, context);
}
