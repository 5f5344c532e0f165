/**
 * TIDE's split of errors (Bolya et al. 2020, arXiv:2008.08115, section 2.2; foreground .5, background .1), in the
 * order of its tidecv package: of one detection that is wrong twice the first that fits counts.
 */
import { overlap, type Overlaps } from './greedy.js';
import type { DetectionMatches } from './matches.js';
import { type Detected, FOUND_IOU, type Truth } from './protocol.js';

export const BACKGROUND_IOU = 0.1;

export interface ErrorSplit {
  /** Per detection; null: right, ignored or below the score threshold. */
  errors: DetectionMatches['error'][];
  /** Per truth. */
  missed: boolean[];
}

/** @param order detections from the score threshold on, best first. */
export function splitErrors(
  order: readonly number[],
  detections: readonly Detected[],
  truths: readonly Truth[],
  overlaps: Overlaps,
): ErrorSplit {
  const counting = truths.flatMap(({ ignore, crowd }, i) => (ignore || crowd ? [] : [i]));
  const used = new Set<number>();
  const usable = new Set<number>();
  const wrong = order.filter((detection) => {
    const own = counting.filter((i) => truths[i]!.label === detections[detection]!.label && !used.has(i));
    const [truth, shared] = nearest(own, overlaps[detection]!);
    if (shared >= FOUND_IOU) used.add(truth);
    return shared < FOUND_IOU;
  });
  const errors = detections.map((): DetectionMatches['error'] => null);
  for (const detection of wrong) {
    const { label } = detections[detection]!;
    if (onIgnored(detections[detection]!, truths)) continue;
    const row = overlaps[detection]!;
    const own = counting.filter((i) => truths[i]!.label === label);
    const others = counting.filter((i) => truths[i]!.label !== label);
    const [ownTruth, ownShared] = nearest(own, row);
    const [otherTruth, otherShared] = nearest(others, row);
    const kind = kindOf(ownShared, otherShared);
    errors[detection] = kind;
    if (kind === 'LOCALISATION') usable.add(ownTruth);
    if (kind === 'CLASSIFICATION') usable.add(otherTruth);
  }
  const missed = truths.map((_, i) => counting.includes(i) && !used.has(i) && !usable.has(i));
  return { errors, missed };
}

function kindOf(own: number, other: number): NonNullable<DetectionMatches['error']> {
  if (own >= BACKGROUND_IOU && own <= FOUND_IOU) return 'LOCALISATION';
  if (other >= FOUND_IOU) return 'CLASSIFICATION';
  if (own >= FOUND_IOU) return 'DUPLICATE';
  return Math.max(own, other) <= BACKGROUND_IOU ? 'BACKGROUND' : 'BOTH';
}

function nearest(candidates: readonly number[], row: Float64Array): [truth: number, shared: number] {
  let best: [number, number] = [-1, 0];
  for (const i of candidates) if (row[i]! > best[1]) best = [i, row[i]!];
  return best;
}

/** More than half of it lies in an ignored truth of its class. */
const onIgnored = (detection: Detected, truths: readonly Truth[]) =>
  truths.some(
    (truth) =>
      (truth.ignore || truth.crowd) &&
      truth.label === detection.label &&
      overlap(detection, truth, true) > FOUND_IOU,
  );
