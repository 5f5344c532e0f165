/** Average precision of a weighted list of detections: COCOeval.accumulate in one pass, for resamples by the thousand. */

/** COCO's recall points 0, .01 … 1, to the bit as `numpy.linspace(0, 1, 101)` has them. */
export const RECALL_POINTS = 101;
export const recallPoint = (i: number): number => i * 0.01;

/** Room for one curve; `length` is that of the longest list. */
export interface Scratch {
  right: Int32Array;
  total: Int32Array;
  needed: Int32Array;
}

export const scratchFor = (length: number): Scratch => ({
  right: new Int32Array(length + 1),
  total: new Int32Array(length + 1),
  needed: new Int32Array(RECALL_POINTS),
});

/**
 * AP = 1/101 Σ over recall points r of the highest precision at a recall of r or more (Everingham et al. 2010,
 * interpolated; COCO's 101 points).
 *
 * Precision rises at right detections only, so that only they are points of the curve. An image that was drawn w
 * times brings each of its detections w times: the copies share a score, and the envelope over them is the precision
 * after the last.
 * @param entries detections from the best score on: image × 2, + 1 if right; ignored ones are not in it.
 * @param weights how often each image counts, 0 or more.
 * @param positives truths, weighted alike.
 * @param curve takes the precision at each recall point, if given.
 * @returns null without a truth: COCO's −1.
 */
export function averagePrecision(
  entries: Int32Array,
  weights: Int32Array,
  positives: number,
  scratch: Scratch,
  curve?: Float64Array,
): number | null {
  if (positives === 0) return null;
  const { right, total, needed } = scratch;
  let points = 0;
  let rightSoFar = 0;
  let soFar = 0;
  // No branch depends on the data: the next point is written over unless this detection is right.
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const isRight = entry & 1;
    const weight = weights[entry >> 1]!;
    soFar += weight;
    rightSoFar += weight & -isRight;
    right[points] = rightSoFar;
    total[points] = soFar;
    points += isRight;
  }
  countNeeded(positives, needed);
  let sum = 0;
  let highest = 0;
  let point = points;
  for (let r = RECALL_POINTS - 1; r >= 0; r--) {
    const least = needed[r]!;
    while (point > 0 && right[point - 1]! >= least) {
      point--;
      // A detection of weight 0 at the very top: no precision yet.
      const precision = right[point] ? right[point]! / total[point]! : 0;
      if (precision > highest) highest = precision;
    }
    sum += highest;
    if (curve) curve[r] = highest;
  }
  return sum / RECALL_POINTS;
}

/** The least number of right detections whose recall reaches each point, by the same division as COCO's. */
function countNeeded(positives: number, needed: Int32Array): void {
  for (let r = 0; r < RECALL_POINTS; r++) {
    let count = Math.max(0, Math.floor(recallPoint(r) * positives) - 1);
    while (count / positives < recallPoint(r)) count++;
    needed[r] = count;
  }
}
