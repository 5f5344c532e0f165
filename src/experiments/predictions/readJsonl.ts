/** JSON lines, an image each: `{"image": file name or SHA-256, "detections": [{"class", "score", "x", "y", "width", "height"}]}`. */
import { lines, type FileSet } from '../../datasets/formats/read/input.js';
import { listAt, objectAt } from '../../datasets/formats/read/json.js';
import { invalid } from '../../datasets/formats/read/problem.js';
import {
  boxAt,
  filesEnding,
  imageNamed,
  labelOf,
  scoreAt,
  type ImageKey,
  type Read,
  type ReadContext,
} from './prediction.js';

export async function* readJsonl(input: FileSet, context: ReadContext): AsyncGenerator<Read, void> {
  for await (const { line, position } of jsonLines(input)) yield* imageOf(line, position, context);
}

/** Of every file of JSON lines, in their order. @throws ShingoError LABELS_INVALID */
export async function* jsonLines(
  input: FileSet,
): AsyncGenerator<{ line: Record<string, unknown>; position: string; file: string }, void> {
  for (const file of filesEnding(input, '.jsonl', '.ndjson'))
    for await (const { text, number } of lines(file)) {
      if (text.trim() === '') continue;
      const position = `${file.path}:${number}`;
      yield { line: objectAt(position, parse(position, text)), position, file: file.path };
    }
}

function parse(position: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What Python writes of a model that has diverged.
    const number = /[[:,]\s*(NaN|-?Infinity)\b/.exec(text)?.[1];
    throw invalid(
      position,
      number ? `${number} is no score; one is 0 to 1` : `this is not JSON: ${text.slice(0, 60)}`,
    );
  }
}

/** @throws ShingoError LABELS_INVALID */
export function imageAt(position: string, value: unknown): ImageKey {
  if (typeof value === 'string' && value !== '') return imageNamed(value);
  throw invalid(`${position}.image`, 'a file name or a SHA-256 was expected');
}

function* imageOf(
  line: Record<string, unknown>,
  position: string,
  context: ReadContext,
): Generator<Read, void> {
  const image = imageAt(position, line.image);
  yield { kind: 'image', image, position };
  const detections = listAt(`${position}.detections`, line.detections);
  if (detections === null)
    throw invalid(`${position}.detections`, 'a list was expected; empty: nothing found');
  for (const [at, value] of detections.entries()) {
    const place = `${position}.detections[${at}]`;
    const found = objectAt(place, value);
    const box = boxAt(place, [found.x, found.y, found.width, found.height]);
    const score = scoreAt(`${place}.score`, found.score);
    const label = labelOf(`${place}.class`, found.class, context);
    if (label === null) continue;
    yield { kind: 'detection', image, label, score, ...box, position: place };
  }
}
