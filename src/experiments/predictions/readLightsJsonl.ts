/**
 * JSON lines, a light each: `{"image", "light", "scores"}`, where `light` is its place among the boxes of its image. `box`
 * may stand for `light`, `annotation_id` or `id` for both, and `class` with or without `score` for `scores`. Scores are by
 * name, or a list in the order of a line `{"classes": […]}` before it, or else of the model version's classes.
 */
import type { FileSet } from '../../datasets/formats/read/input.js';
import { listAt, objectAt } from '../../datasets/formats/read/json.js';
import { finite, invalid } from '../../datasets/formats/read/problem.js';
import { boxAt, COLORS, colorOf, scoreAt, type Answer, type Read, type ReadContext } from './prediction.js';
import { imageAt, jsonLines } from './readJsonl.js';

type Line = Record<string, unknown>;

/** Two float32 scores of one colour may come to a little more than 1. */
const MOST = 1.00001;

export async function* readLightsJsonl(input: FileSet, context: ReadContext): AsyncGenerator<Read, void> {
  let order: { file: string; classes: string[] } | null = null;
  for await (const { line, position, file } of jsonLines(input)) {
    if ('classes' in line) {
      order = { file, classes: classesAt(`${position}.classes`, line.classes) };
      continue;
    }
    const classes = order?.file === file ? order.classes : (context.classes ?? null);
    const of = lightAt(position, line);
    const answer = answerAt(position, line, { ...context, classes });
    if (answer) yield { kind: 'light', of, ...answer, position };
    else if ('image' in of) yield { kind: 'image', image: of.image, position };
  }
}

function classesAt(position: string, value: unknown): string[] {
  const names = listAt(position, value);
  if (names && names.length > 0 && names.every((name) => typeof name === 'string')) return names;
  throw invalid(position, 'the names of the classes were expected, in the order of the scores');
}

/** @throws ShingoError LABELS_INVALID */
function lightAt(position: string, line: Line): Answer['of'] {
  if (line.annotation_id !== undefined)
    return { annotation: wholeAt(`${position}.annotation_id`, line.annotation_id) };
  if (line.id !== undefined) {
    const [, sha256, light] =
      /^([0-9a-f]{64}):(\d{1,9})$/.exec(typeof line.id === 'string' ? line.id : '') ?? [];
    if (sha256 === undefined) throw invalid(`${position}.id`, 'SHA-256 of the image:place of the light');
    return { image: { kind: 'sha256', value: sha256 }, where: { light: Number(light) } };
  }
  const image = imageAt(position, line.image);
  if (line.light !== undefined) return { image, where: { light: wholeAt(`${position}.light`, line.light) } };
  const sides = listAt(`${position}.box`, line.box);
  if (sides?.length === 4) return { image, where: { box: boxAt(`${position}.box`, sides) } };
  throw invalid(
    position,
    'which light is it? Give light, its place in the image, or box [x, y, width, height]',
  );
}

function wholeAt(position: string, value: unknown): number {
  const number = finite(position, value);
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 31) return number;
  throw invalid(position, `${number} is no whole number from 0`);
}

/** Null: its class is not known, and kept aside. @throws ShingoError LABELS_INVALID, LABELS_UNKNOWN_VALUE */
function answerAt(
  position: string,
  line: Line,
  context: ReadContext,
): Pick<Answer, 'label' | 'score'> | null {
  const scores = line.scores == null ? null : scoresAt(`${position}.scores`, line.scores, context);
  if (line.class !== undefined) {
    const label = colorOf(`${position}.class`, line.class, context);
    const own = line.score == null ? null : scoreAt(`${position}.score`, line.score);
    return label === null ? null : { label, score: own ?? scores?.[label] ?? null };
  }
  if (!scores) throw invalid(position, 'an answer was expected: scores, or class with or without score');
  let best: Pick<Answer, 'label' | 'score'> | null = null;
  scores.forEach((score, label) => {
    if (score !== null && (best?.score == null || score > best.score)) best = { label, score };
  });
  return best;
}

/** By COLORS; null: there is none. Classes of one colour, such as those of its arrows, count together. */
function scoresAt(position: string, value: unknown, context: ReadContext): (number | null)[] {
  const found = Array.isArray(value)
    ? listed(position, value, context.classes ?? null)
    : Object.entries(objectAt(position, value));
  if (found.length === 0) throw invalid(position, 'there is no score in it');
  const scores = new Array<number | null>(COLORS.length).fill(null);
  for (const [name, score] of found) {
    const label = colorOf(position, name, context);
    const given = scoreAt(`${position}.${name}`, score);
    if (label !== null) scores[label] = (scores[label] ?? 0) + given;
  }
  const most = Math.max(...scores.map((score) => score ?? 0));
  if (most > MOST) throw invalid(position, `the scores of one colour come to ${most}, which is more than 1`);
  return scores.map((score) => score && Math.min(score, 1));
}

function listed(position: string, scores: unknown[], classes: readonly string[] | null): [string, unknown][] {
  if (!classes)
    throw invalid(position, 'whose scores are these? Begin the file with a line {"classes": ["GREEN", …]}');
  if (scores.length !== classes.length)
    throw invalid(position, `${scores.length} scores of ${classes.length} classes (${classes.join(', ')})`);
  return scores.map((score, at) => [classes[at] as string, score]);
}
