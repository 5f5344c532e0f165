/** Average precision of a weighted list of detections: COCOeval.accumulate in one pass, for resamples by the thousand. */

/** COCO's recall points 0, .01 … 1, to the bit as `numpy.linspace(0, 1, 101)` has them. */
export const RECALL_POINTS = 101;
export const recallPoint = (i: number): number => i * 0.01;

/** Room for one curve at a time; `length` is that of the longest `images`. */
export interface Scratch {
  before: Int32Array;
  needed: Int32Array;
  highest: Float64Array;
}

export const scratchFor = (length: number): Scratch => ({
  before: new Int32Array(length + 1),
  // One more than there are points: no detection gets beyond the last.
  needed: new Int32Array(RECALL_POINTS + 1).fill(2 ** 31 - 1),
  highest: new Float64Array(RECALL_POINTS),
});

/**
 * What the curves of one class and size range share, whatever the IoU threshold: the weight of all detections before
 * each, and how many must be right for each recall point.
 * @param images of the detections from the best score on.
 * @param weights how often each image counts, 0 or more.
 * @param positives truths, weighted alike; above 0.
 */
export function startCurves(
  images: Int32Array,
  weights: Int32Array,
  positives: number,
  { before, needed }: Scratch,
): void {
  let sum = 0;
  for (let i = 0; i < images.length; i++) {
    before[i] = sum;
    sum += weights[images[i]!]!;
  }
  before[images.length] = sum;
  countNeeded(positives, needed);
}

/**
 * AP = 1/101 Σ over recall points r of the highest precision at a recall of r or more (Everingham et al. 2010,
 * interpolated; COCO's 101 points).
 *
 * Precision rises at right detections only, so that only they are points of the curve: the others count by the weight
 * before a point. That makes it 4 steps a detection for ten thresholds, not 10. An image that was drawn w times brings
 * each of its detections w times: the copies share a score, and the envelope over them is the precision after the last.
 * @param marks places in `images` of right (place × 2 + 1) and of ignored detections (place × 2), ascending.
 * @param curve takes the precision at each recall point, if given.
 */
export function averagePrecision(marks: Int32Array, scratch: Scratch, curve?: Float64Array): number {
  const { highest } = scratch;
  highestBetweenPoints(marks, scratch);
  let sum = 0;
  let envelope = 0;
  for (let r = RECALL_POINTS - 1; r >= 0; r--) {
    envelope = Math.max(envelope, highest[r]!);
    sum += envelope;
    if (curve) curve[r] = envelope;
  }
  return sum / RECALL_POINTS;
}

/** Of each recall point the highest precision before the next. */
function highestBetweenPoints(marks: Int32Array, { before, needed, highest }: Scratch): void {
  highest.fill(0);
  let point = 0;
  let next = needed[1]!;
  let right = 0;
  let ignored = 0;
  let best = 0;
  for (let i = 0; i < marks.length; i++) {
    const mark = marks[i]!;
    const place = mark >> 1;
    const isRight = mark & 1;
    const after = before[place + 1]!;
    const weight = after - before[place]!;
    // Without a branch. At an ignored detection, and at one of weight 0, the precision is that of the one before.
    // "| 0" keeps the sums in 32 bits, a fifth faster.
    right = (right + (weight & -isRight)) | 0;
    ignored = (ignored + (weight & (isRight - 1))) | 0;
    const total = (after - ignored) | 0;
    if (right >= next) {
      highest[point] = best;
      best = 0;
      while (right >= needed[point + 1]!) point++;
      next = needed[point + 1]!;
    }
    // A product, as a division takes five times as long.
    if (right > best * total) best = right / total;
  }
  highest[point] = best;
}

/** The least number of right detections whose recall reaches each point, by the same division as COCO's. */
function countNeeded(positives: number, needed: Int32Array): void {
  for (let r = 0; r < RECALL_POINTS; r++) {
    let count = Math.max(0, Math.floor(recallPoint(r) * positives) - 1);
    while (count / positives < recallPoint(r)) count++;
    needed[r] = count;
  }
}
