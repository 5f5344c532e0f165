/** Who finds whom: COCO's greedy matching, and the overlaps that it goes by. */
import type { Detected, Truth } from './protocol.js';

/** overlaps[d][t]; with a crowd the share of the detection that lies in it. */
export type Overlaps = Float64Array[];

/** Intersection over union; over the detection's area if `crowd`. As pycocotools' bbIou, 0 where nothing is shared. */
export function overlap(a: Omit<Detected, 'label' | 'score'>, b: typeof a, crowd = false): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  if (width <= 0) return 0;
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (height <= 0) return 0;
  const common = width * height;
  const own = a.width * a.height;
  return common / (crowd ? own : own + b.width * b.height - common);
}

export const overlapsOf = (detections: readonly Detected[], truths: readonly Truth[]): Overlaps =>
  detections.map((one) => Float64Array.from(truths, (truth) => overlap(one, truth, truth.crowd)));

/**
 * For each detection of `order` the truth that it finds, or -1: the free one of highest overlap from `threshold` on.
 * COCOeval.evaluateImg: truths that count come before ignored ones (`candidates` must be in that order), an ignored
 * one is taken only for want of one that counts, a crowd as often as needed, and of equals the later.
 */
export function match(
  order: readonly number[],
  candidates: readonly number[],
  ignored: (truth: number) => boolean,
  { overlaps, truths }: { overlaps: Overlaps; truths: readonly Truth[] },
  threshold: number,
): Int32Array {
  const taken = new Uint8Array(truths.length);
  return Int32Array.from(order, (detection) => {
    let best = -1;
    let bar = Math.min(threshold, 1 - 1e-10);
    for (const truth of candidates) {
      if (taken[truth] && !truths[truth]!.crowd) continue;
      if (best >= 0 && !ignored(best) && ignored(truth)) break;
      const shared = overlaps[detection]![truth]!;
      if (shared < bar) continue;
      bar = shared;
      best = truth;
    }
    if (best >= 0) taken[best] = 1;
    return best;
  });
}

/** Indices of 0…n-1 that `keep` takes, those that `last` says at the end; each group in its order. */
export function stablePartition(
  n: number,
  keep: (i: number) => boolean,
  last: (i: number) => boolean,
): number[] {
  const kept = Array.from({ length: n }, (_, i) => i).filter(keep);
  return [...kept.filter((i) => !last(i)), ...kept.filter(last)];
}
