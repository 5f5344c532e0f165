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
  type Read,
  type ReadContext,
} from './prediction.js';

export async function* readJsonl(input: FileSet, context: ReadContext): AsyncGenerator<Read, void> {
  for (const file of filesEnding(input, '.jsonl', '.ndjson'))
    for await (const { text, number } of lines(file)) {
      if (text.trim() === '') continue;
      const position = `${file.path}:${number}`;
      yield* imageOf(objectAt(position, parse(position, text)), position, context);
    }
}

function parse(position: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(position, `this is not JSON: ${text.slice(0, 60)}`);
  }
}

function* imageOf(
  line: Record<string, unknown>,
  position: string,
  context: ReadContext,
): Generator<Read, void> {
  if (typeof line.image !== 'string' || line.image === '')
    throw invalid(`${position}.image`, 'a file name or a SHA-256 was expected');
  const image = imageNamed(line.image);
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
