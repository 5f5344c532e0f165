/**
 * COCO results, `[{image_id, category_id, bbox, score}]`. What the ids mean is said by `images` and `categories` of the same
 * object or of another file of the archive, such as the ground truth; where neither is there, they are those of a COCO
 * export of the version (formats/write/coco.ts), and an image_id that is a text is a file name or a SHA-256.
 */
import { LightColor } from '../../catalog/vocabulary.js';
import type { FileSet } from '../../datasets/formats/read/input.js';
import { elements, listAt, objectAt, type Element } from '../../datasets/formats/read/json.js';
import { finite, fileNameOf, invalid } from '../../datasets/formats/read/problem.js';
import { lightColorOf } from '../../datasets/formats/write/coco.js';
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

const MAX_CATEGORIES = 100_000;
const DETECTIONS = ['', 'annotations', 'detections', 'predictions', 'results'];

export async function* readCocoResults(input: FileSet, context: ReadContext): AsyncGenerator<Read, void> {
  const files = filesEnding(input, '.json');
  const categories = new Map<number, string>();
  let images = false;
  // The lists that say what ids mean may stand behind the detections, so they are read first.
  for (const file of files)
    for await (const { key, index, value, position } of elements(file)) {
      if (index < 0) continue;
      if (key === 'categories') {
        const category = objectAt(position, value);
        categories.set(finite(`${position}.id`, category.id), String(category.name));
        if (categories.size > MAX_CATEGORIES) throw invalid(position, 'too many categories');
      } else if (key === 'images') {
        images = true;
        yield sourceOf(objectAt(position, value), position);
      }
    }
  for (const file of files)
    for await (const element of elements(file)) {
      const { key, index } = element;
      if (index < 0 || !DETECTIONS.includes(key)) continue;
      yield* detectionOf(element, { categories, images, context });
    }
}

function sourceOf(image: Record<string, unknown>, position: string): Read {
  const attributes = (image.attributes ?? {}) as Record<string, unknown>;
  return {
    kind: 'source',
    id: idOf(`${position}.id`, image.id),
    sha256: typeof attributes.sha256 === 'string' ? attributes.sha256 : null,
    name: fileNameOf(`${position}.file_name`, image.file_name),
  };
}

function idOf(position: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  throw invalid(position, 'an id is a number or a text');
}

interface Known {
  categories: Map<number, string>;
  /** There is a list of them. */
  images: boolean;
  context: ReadContext;
}

function* detectionOf({ key, value, position }: Element, known: Known): Generator<Read, void> {
  const found = objectAt(position, value);
  // The labels of the ground truth, which came along for its ids.
  if (key === 'annotations' && found.score === undefined) return;
  const sides = listAt(`${position}.bbox`, found.bbox) ?? [];
  if (sides.length !== 4) throw invalid(`${position}.bbox`, 'a box has four numbers: x, y, width, height');
  const box = boxAt(`${position}.bbox`, sides);
  const score = scoreAt(`${position}.score`, found.score);
  const image = imageOf(`${position}.image_id`, found.image_id, known.images);
  const label = categoryLabel(`${position}.category_id`, found.category_id, known);
  if (label === null) yield { kind: 'image', image, position };
  else yield { kind: 'detection', image, label, score, ...box, position };
}

function imageOf(position: string, value: unknown, listed: boolean): ImageKey {
  const id = idOf(position, value);
  return listed || typeof value === 'number' ? { kind: 'id', value: id } : imageNamed(id);
}

function categoryLabel(position: string, value: unknown, { categories, context }: Known): number | null {
  const id = finite(position, value);
  const name = categories.size > 0 ? categories.get(id) : exportedName(id);
  return labelOf(position, name ?? value, context);
}

/** Of our own exports: the plain categories are 1 to 11, a light with a colour is numbered by it. */
function exportedName(id: number): string | undefined {
  const color = lightColorOf(id);
  if (color !== null && color !== LightColor.UNKNOWN) return color;
  return id >= 1 && id <= 11 ? 'other' : undefined;
}
