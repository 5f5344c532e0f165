/** How far an exported detector has drifted from the one that was evaluated, frame by frame. */
import { iou } from '../detector/boxes.js';
import {
  FOUND_IOU,
  matchImage,
  type Detected,
  type DetectionProtocol,
  type Truth,
} from '../statistics/detection/index.js';
import type { FrameAnswer } from '../tasks/lightDetection/predictor.js';
import { driftOf, type Drift } from './drift.js';

const SIDES = ['x', 'y', 'width', 'height'] as const;

/**
 * A decision is a detection of the protocol's score or better. It is unchanged if the other model has one of the same
 * class at IoU 0.5 or more; one of another class there is one changed decision, one that only either has is another.
 */
export class DetectionDrift {
  private n = 0;
  private changed = 0;
  private heat: number | null = 0;
  private box = 0;
  private truths = 0;
  private referenceFound = 0;
  private found = 0;

  constructor(
    private readonly protocol: DetectionProtocol,
    private readonly classes: number,
  ) {}

  add(truths: readonly Truth[], reference: FrameAnswer, other: FrameAnswer): void {
    this.heat = largestOf(this.heat, reference.heat, other.heat);
    this.compare(this.sure(reference), this.sure(other));
    this.truths += truths.filter(({ ignore }) => !ignore).length;
    this.referenceFound += this.right(truths, reference);
    this.found += this.right(truths, other);
  }

  /** accuracy is recall: labelled lights that are found at IoU 0.5 and in their colour. */
  drift(): Drift {
    return driftOf({
      ...{ n: this.n, changed: this.changed, maxScoreDifference: this.heat, maxBoxDifference: this.box },
      ...{ truths: this.truths, referenceRight: this.referenceFound, right: this.found },
    });
  }

  private sure({ detections }: FrameAnswer): Detected[] {
    return detections.filter(({ score }) => score >= this.protocol.scoreThreshold);
  }

  private compare(reference: Detected[], other: Detected[]): void {
    const free = new Set(other);
    const left = reference.filter((one) => {
      const twin = nearest(one, free, (candidate) => candidate.label === one.label);
      if (!twin) return true;
      free.delete(twin);
      this.box = Math.max(this.box, ...SIDES.map((side) => Math.abs(one[side] - twin[side])));
      this.n += 1;
      return false;
    });
    for (const one of left) {
      const renamed = nearest(one, free, () => true);
      if (renamed) free.delete(renamed);
    }
    const changed = left.length + free.size;
    this.n += changed;
    this.changed += changed;
  }

  private right(truths: readonly Truth[], { detections }: FrameAnswer): number {
    const matches = matchImage(this.protocol, this.classes, truths, detections);
    return matches.truths.filter(({ label, foundAs }) => foundAs === label).length;
  }
}

/** Of those that share half with it, the one that shares most. */
function nearest(
  box: Detected,
  among: Iterable<Detected>,
  fits: (candidate: Detected) => boolean,
): Detected | null {
  let [best, most]: [Detected | null, number] = [null, FOUND_IOU];
  for (const candidate of among) {
    const share = fits(candidate) ? iou(box, candidate) : 0;
    if (share >= most) [best, most] = [candidate, share];
  }
  return best;
}

/** Null: a score that is no number on one side only. */
function largestOf(before: number | null, a: Float32Array, b: Float32Array): number | null {
  if (a.length !== b.length) throw new RangeError('DetectionDrift: maps of different sizes');
  let largest = before;
  for (let at = 0; at < a.length && largest !== null; at++) {
    if (Number.isNaN(a[at]) && Number.isNaN(b[at])) continue;
    const difference = Math.abs(a[at]! - b[at]!);
    largest = Number.isNaN(difference) ? null : Math.max(largest, difference);
  }
  return largest;
}
