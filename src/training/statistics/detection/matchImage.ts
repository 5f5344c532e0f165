/** Matches an image's detections with its labels, once for all slices. */
import { splitErrors } from './errors.js';
import { match, type Overlaps, overlapsOf, stablePartition } from './greedy.js';
import type { ImageMatches, Presence } from './matches.js';
import {
  checkProtocol,
  type Detected,
  type DetectionProtocol,
  FOUND_IOU,
  type SizeRange,
  sizeRanges,
  type Truth,
} from './protocol.js';

/** An image with more labels than this is a mistake of its importer. */
export const MAX_TRUTHS = 10_000;
/** The detections file holds at most 300 an image; each class may bring as many. */
export const MAX_DETECTIONS = 100_000;

interface Scene {
  truths: readonly Truth[];
  detections: Detected[];
  overlaps: Overlaps;
  ranges: SizeRange[];
}

/**
 * Matches by COCOeval's protocol per class × IoU threshold × size range, and once for all colours together.
 *
 * Detections may come in any order; of equal scores the earlier counts first.
 * @param classes their number: labels are below it, at most 255.
 * @throws RangeError when a label, score or box is no number in its range: what it says must not depend on NaN.
 */
export function matchImage(
  protocol: DetectionProtocol,
  classes: number,
  truths: readonly Truth[],
  detections: readonly Detected[],
): ImageMatches {
  checkProtocol(protocol);
  checkBoxes(classes, truths, detections);
  const kept = bestOfEachClass(detections, protocol.maxDetections.at(-1)!);
  const overlaps = overlapsOf(kept, truths);
  const scene: Scene = { truths, detections: kept, overlaps, ranges: sizeRanges(protocol) };
  const matches: ImageMatches = {
    truths: truths.map((truth) => ({
      label: truth.label,
      ranges: ignoredEverywhere(truth) ? 0 : maskOf(scene.ranges, truth),
      foundAs: null,
      missed: false,
    })),
    detections: kept.map((one) => ({
      label: one.label,
      score: one.score,
      hits: scene.ranges.map(() => 0),
      ignored: scene.ranges.map(() => 0),
      presence: 'BELOW_THRESHOLD',
      ranges: maskOf(scene.ranges, one),
      error: null,
    })),
  };
  matchClasses(protocol, scene, matches);
  const order = [...kept.keys()].filter((i) => kept[i]!.score >= protocol.scoreThreshold);
  matchWhateverColor(scene, order, matches);
  const { errors, missed } = splitErrors(order, kept, truths, overlaps);
  matches.detections.forEach((one, i) => (one.error = errors[i]!));
  matches.truths.forEach((truth, i) => (truth.missed = missed[i]!));
  return matches;
}

const ignoredEverywhere = (truth: Truth) => truth.ignore || Boolean(truth.crowd);

const maskOf = (ranges: readonly SizeRange[], box: Truth | Detected) =>
  ranges.reduce((mask, range, r) => (range.holds(box) ? mask | (1 << r) : mask), 0);

/** Best first, each class cut at `limit`. */
function bestOfEachClass(detections: readonly Detected[], limit: number): Detected[] {
  const counts = new Map<number, number>();
  return [...detections]
    .sort((a, b) => b.score - a.score)
    .filter(({ label }) => {
      const rank = counts.get(label) ?? 0;
      counts.set(label, rank + 1);
      return rank < limit;
    });
}

function matchClasses(protocol: DetectionProtocol, scene: Scene, matches: ImageMatches): void {
  for (const label of new Set(scene.detections.map((one) => one.label))) {
    const order = [...scene.detections.keys()].filter((i) => scene.detections[i]!.label === label);
    scene.ranges.forEach((range, r) => {
      const ignored = (i: number) => !(matches.truths[i]!.ranges & (1 << r));
      const ofClass = (i: number) => scene.truths[i]!.label === label;
      const candidates = stablePartition(scene.truths.length, ofClass, ignored);
      protocol.iouThresholds.forEach((threshold, t) => {
        const found = match(order, candidates, ignored, scene, threshold);
        order.forEach((detection, i) => {
          const truth = found[i]!;
          const one = matches.detections[detection]!;
          if (truth < 0 ? !range.holds(scene.detections[detection]!) : ignored(truth))
            one.ignored[r]! |= 1 << t;
          else if (truth >= 0) one.hits[r]! |= 1 << t;
        });
      });
    });
  }
}

function matchWhateverColor(scene: Scene, order: readonly number[], matches: ImageMatches): void {
  const ignored = (i: number) => ignoredEverywhere(scene.truths[i]!);
  const candidates = stablePartition(scene.truths.length, () => true, ignored);
  const found = match(order, candidates, ignored, scene, FOUND_IOU);
  order.forEach((detection, i) => {
    const one = matches.detections[detection]!;
    const truth = found[i]!;
    one.presence = presenceOf(truth, ignored);
    if (one.presence !== 'FOUND') return;
    one.ranges = matches.truths[truth]!.ranges;
    matches.truths[truth]!.foundAs = one.label;
  });
}

const presenceOf = (truth: number, ignored: (i: number) => boolean): Presence =>
  truth < 0 ? 'FALSE' : ignored(truth) ? 'IGNORED' : 'FOUND';

function checkBoxes(classes: number, truths: readonly Truth[], detections: readonly Detected[]): void {
  if (!Number.isInteger(classes) || classes < 1 || classes > 255)
    throw new RangeError(`matchImage: ${classes} classes; 1 to 255 can be told apart`);
  if (truths.length > MAX_TRUTHS || detections.length > MAX_DETECTIONS)
    throw new RangeError(
      `matchImage: ${truths.length} labels, ${detections.length} detections are too many for an image`,
    );
  for (const box of [...truths, ...detections]) {
    if (!Number.isInteger(box.label) || box.label < 0 || box.label >= classes)
      throw new RangeError(`matchImage: label ${box.label} is not below ${classes}`);
    if (![box.x, box.y, box.width, box.height].every(Number.isFinite) || box.width < 0 || box.height < 0)
      throw new RangeError('matchImage: a box needs a finite place and a size from 0 on');
  }
  if (!detections.every(({ score }) => Number.isFinite(score)))
    throw new RangeError('matchImage: a score is not a finite number');
}
