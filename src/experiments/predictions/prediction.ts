/** What readers of predictions yield, and how they read images, classes and scores. */
import { LightColor } from '../../catalog/vocabulary.js';
import { withEnding, type FileSet, type InputFile } from '../../datasets/formats/read/input.js';
import { finite, invalid, type Findings } from '../../datasets/formats/read/problem.js';

/** The classes that predictions may name, in the order of the confusion matrix. */
export const COLORS = [LightColor.GREEN, LightColor.OFF, LightColor.RED, LightColor.YELLOW] as const;

/** How a file names an image: by its id in a COCO file, its SHA-256, or its file name. */
export interface ImageKey {
  kind: 'id' | 'sha256' | 'name';
  value: string;
}

/** In pixels. */
export interface Sides {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Prediction extends Sides {
  kind: 'detection';
  image: ImageKey;
  /** Index of COLORS. */
  label: number;
  score: number;
  position: string;
}

/** An image of a COCO file that has a list of them: what its ids mean. */
export interface Source {
  kind: 'source';
  id: string;
  sha256: string | null;
  name: string;
}

/** An image that the file has, whatever was found on it. */
export interface Seen {
  kind: 'image';
  image: ImageKey;
  position: string;
}

/** Which light of its image: its place among the image's boxes, from 0, or where it is. */
export type Where = { light: number } | { box: Sides };

/** What a light was taken for. */
export interface Answer {
  kind: 'light';
  /** The number of an annotation in a COCO export of the version, instead of image and light. */
  of: { image: ImageKey; where: Where } | { annotation: number };
  /** Index of COLORS. */
  label: number;
  /** Of that answer; null: not said. */
  score: number | null;
  position: string;
}

export type Read = Prediction | Source | Seen | Answer;

export interface ReadContext {
  findings: Findings;
  /** Detections that are no lights: of a class that the catalog knows, and that is not evaluated. */
  otherCategory: () => void;
  /** Whose scores a list of scores has, where the file does not say it. */
  classes?: readonly string[] | null;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** A text that names an image. */
export const imageNamed = (text: string): ImageKey =>
  SHA256.test(text) ? { kind: 'sha256', value: text } : { kind: 'name', value: text };

/** The files with one of these endings. @throws ShingoError LABELS_INVALID: there is none */
export function filesEnding(input: FileSet, ...endings: string[]): InputFile[] {
  const files = withEnding(input, ...endings);
  if (files.length === 0) throw invalid(input.name, `there is no ${endings.join(' or ')} file in it`);
  return files;
}

/** @throws ShingoError LABELS_INVALID */
export function scoreAt(position: string, value: unknown): number {
  const score = finite(position, value);
  if (score >= 0 && score <= 1) return score;
  throw invalid(position, `${score} is no score; one is 0 to 1`);
}

const FAR = 1e6;

/** @param sides x, y, width, height in pixels @throws ShingoError LABELS_INVALID */
export function boxAt(position: string, sides: readonly unknown[]): Sides {
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name, at) =>
    finite(`${position}.${name}`, sides[at]),
  ) as [number, number, number, number];
  if (Math.min(width, height) >= 0 && [x, y, width, height].every((side) => Math.abs(side) <= FAR))
    return { x, y, width, height };
  throw invalid(position, `${JSON.stringify(sides)} is no box: x, y, width, height in pixels`);
}

const OTHERS = new Set(
  (
    'person,pedestrian,other person,rider,car,truck,bus,train,motorcycle,motor,bicycle,bike,stop sign,traffic sign,' +
    'other vehicle,trailer,caravan,van,other'
  ).split(','),
);

/** Index of COLORS of a class such as RED, "traffic light red left", RedLeft or red_straight; -1: of none. */
function colorIn(text: string): number {
  const words = text
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toUpperCase()
    .split(/[^A-Z]+/);
  return COLORS.findIndex((color) => words.includes(color));
}

/**
 * Index of COLORS; null: it is left aside.
 * @throws ShingoError LABELS_UNKNOWN_VALUE, unless lenient
 */
export function labelOf(
  position: string,
  name: unknown,
  { findings, otherCategory }: ReadContext,
): number | null {
  const text = typeof name === 'string' ? name : '';
  const label = colorIn(text);
  if (label >= 0) return label;
  if (OTHERS.has(text.toLowerCase())) {
    otherCategory();
    return null;
  }
  return findings.report(position, 'class', name, COLORS);
}

/** As `labelOf`, of a light: whatever is no colour is no answer. @throws ShingoError LABELS_UNKNOWN_VALUE, unless lenient */
export function colorOf(
  position: string,
  name: unknown,
  { findings }: Pick<ReadContext, 'findings'>,
): number | null {
  const label = typeof name === 'string' ? colorIn(name) : -1;
  return label >= 0 ? label : findings.report(position, 'class', name, COLORS);
}
