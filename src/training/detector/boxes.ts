/** Boxes of one picture: where they overlap, and which of those that do are the same object. */
import type { Box } from '../input/crop.js';

export interface Found extends Box {
  /** Index in COCO's 80 classes. */
  classIndex: number;
  /** 0 to 1. */
  score: number;
}

/** The same object if they overlap by more than half, or one lies in the other but for a fifth. */
const SAME_IOU = 0.5;
const SAME_CONTAINED = 0.8;

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
const area = ({ width, height }: Box): number => width * height;

/** Intersection over union, 0 to 1. */
export function iou(a: Box, b: Box): number {
  const common = overlap(a, b);
  return common / (area(a) + area(b) - common);
}

/**
 * The best of each object, the highest score first. The network has no suppression of its own that works across tiles,
 * and it names the lit lamp of a traffic light beside the whole light: hence the rule on boxes within boxes. Of what two
 * classes claim (a van: car and truck), the higher score stays.
 */
export function suppress<T extends Found>(found: readonly T[]): T[] {
  const kept: T[] = [];
  for (const box of [...found].sort((a, b) => b.score - a.score)) {
    const same = kept.some((other) => {
      const share = iou(box, other);
      if (box.classIndex !== other.classIndex) return share > SAME_CONTAINED;
      return share > SAME_IOU || overlap(box, other) > SAME_CONTAINED * Math.min(area(box), area(other));
    });
    if (!same) kept.push(box);
  }
  return kept;
}
