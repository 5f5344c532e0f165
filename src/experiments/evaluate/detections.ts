/**
 * Detections and labels meet: reads a detections file and matches each of its images by the protocol. A light whose
 * colour nobody could tell (with UNKNOWN_COLOR_OR_OCCLUDED one that is covered, too) is ignored: not missed if nothing is
 * found there, and what is found there, of whatever colour, is not wrong. Other categories are background.
 */
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { lines } from '../../datasets/formats/read/input.js';
import { ShingoError } from '../../platform/error.js';
import {
  matchImage,
  type DetectionProtocol,
  type ImageMatches,
  type Truth,
} from '../../training/statistics/detection/index.js';
import type { EvaluationProtocol } from '../protocol/protocol.js';
import { fileOf } from './file.js';
import { itemsOf, type Item, type LabelledBox, type Scope } from './scope.js';

/** Lines read ahead of their labels: 500 images of 20 boxes are about 2 MB. */
const BATCH = 500;

const size = z.number().min(0).max(1e6);
const place = z.number().min(-1e6).max(1e6);
const lineSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  detections: z
    .array(
      z.object({
        label: z.int().min(0),
        score: z.number().min(0).max(1),
        ...{ x: place, y: place, width: size, height: size },
      }),
    )
    .max(3000),
});
type Line = z.infer<typeof lineSchema>;

export interface MatchedImage {
  sha256: string;
  conditions: number[];
  drive: string | null;
  /** Of each truth that counts, its index in the annotations; they come first in `matches.truths`. */
  lights: number[];
  matches: ImageMatches;
}

export const detectionProtocol = (protocol: EvaluationProtocol): DetectionProtocol => ({
  iouThresholds: protocol.iouThresholds,
  maxDetections: protocol.maxDetections,
  scoreThreshold: protocol.scoreThreshold,
  sizeBounds: protocol.sizeBounds,
});

/**
 * The images of the file that somebody has labelled, matched, in the order of the file.
 * @throws ShingoError PREDICTIONS_INVALID: a line is none, or its image is not in the split
 */
export async function* matchDetections(
  db: DataSource,
  scope: Scope,
  path: string,
): AsyncGenerator<MatchedImage, void> {
  const protocol = detectionProtocol(scope.protocol);
  for await (const batch of batches(path)) {
    const items = await itemsOf(
      db,
      scope,
      batch.map(({ id }) => id),
    );
    for (const { id, detections } of batch) {
      const item = items.get(id);
      if (!item) throw invalid(`the image ${id} is not in the split`);
      if (item.annotations === null) continue;
      const { truths, lights } = truthsOf(scope, item);
      const matches = matchImage(protocol, scope.classes.length, truths, detections);
      yield { sha256: id, conditions: item.conditions, drive: item.drive, lights, matches };
    }
  }
}

async function* batches(path: string): AsyncGenerator<Line[], void> {
  let batch: Line[] = [];
  for await (const { text, number } of lines(await fileOf(path))) {
    const line = parse(text, number);
    batch.push(line);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function parse(text: string, number: number): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(`line ${number} is no JSON: ${text.slice(0, 200)}`);
  }
  const parsed = lineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`line ${number}, ${issue?.path.join('.')}: ${issue?.message}`);
}

export const invalid = (what: string) => new ShingoError('PREDICTIONS_INVALID', `Predictions: ${what}.`);

/** @throws ShingoError PREDICTIONS_INVALID: a colour that is no class */
function truthsOf({ classes, protocol }: Scope, item: Item): { truths: Truth[]; lights: number[] } {
  const lights: number[] = [];
  const truths: Truth[] = [];
  const ignored: Truth[] = [];
  item.annotations?.forEach((box, index) => {
    if (box.category !== 'TRAFFIC_LIGHT') return;
    const { x, y, width, height } = box;
    if (isIgnored(protocol, box)) {
      // One of each class, since a detection meets the labels of its own class only.
      ignored.push(...classes.map((_, label) => ({ label, x, y, width, height, ignore: true })));
      return;
    }
    const label = classes.indexOf(box.color as string);
    if (label < 0) throw invalid(`${item.sha256} has a ${box.color} light, which is none of the classes`);
    truths.push({ label, x, y, width, height, ignore: false });
    lights.push(index);
  });
  return { truths: [...truths, ...ignored], lights };
}

const isIgnored = ({ ignoreRule }: EvaluationProtocol, { color, occluded }: LabelledBox): boolean =>
  color === null || color === 'UNKNOWN' || (ignoreRule === 'UNKNOWN_COLOR_OR_OCCLUDED' && occluded === true);
