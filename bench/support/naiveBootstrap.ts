/** The bootstrap of mean AP as one would write it by hand: each resample is put together and evaluated anew. */
import type { DetectionProtocol, ImageMatches } from '../../src/training/statistics/detection/index.js';
import { drawUnits } from '../../src/training/statistics/resampling.js';

interface Judged {
  score: number;
  hits: number;
  ignored: number;
}

/** COCOeval.accumulate, line by line, over a list of images that may hold one several times. */
export function naiveMeanAP(
  { iouThresholds }: DetectionProtocol,
  classes: number,
  images: readonly ImageMatches[],
): number {
  const values: number[] = [];
  for (let label = 0; label < classes; label++) {
    let positives = 0;
    const judged: Judged[] = [];
    for (const { truths, detections } of images) {
      for (const truth of truths) if (truth.label === label && truth.ranges & 1) positives++;
      for (const one of detections)
        if (one.label === label)
          judged.push({ score: one.score, hits: one.hits[0]!, ignored: one.ignored[0]! });
    }
    if (positives === 0) continue;
    judged.sort((a, b) => b.score - a.score);
    iouThresholds.forEach((_, threshold) => values.push(averagePrecision(judged, 1 << threshold, positives)));
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function averagePrecision(judged: readonly Judged[], bit: number, positives: number): number {
  const recalls: number[] = [];
  const precisions: number[] = [];
  let right = 0;
  let wrong = 0;
  for (const { hits, ignored } of judged) {
    if (ignored & bit) continue;
    if (hits & bit) right++;
    else wrong++;
    recalls.push(right / positives);
    precisions.push(right / (right + wrong));
  }
  for (let i = precisions.length - 1; i > 0; i--)
    if (precisions[i]! > precisions[i - 1]!) precisions[i - 1] = precisions[i]!;
  let sum = 0;
  let at = 0;
  for (let point = 0; point <= 100; point++) {
    while (at < recalls.length && recalls[at]! < point * 0.01) at++;
    sum += precisions[at] ?? 0;
  }
  return sum / 101;
}

/** The images of resample number `resample`, as `bootstrapCells` draws them, in their order. */
export function drawnImages(images: readonly ImageMatches[], seed: number, resample: number): ImageMatches[] {
  const counts = new Int32Array(images.length);
  drawUnits(images.length, seed, resample, counts);
  return images.flatMap((image, i) => new Array<ImageMatches>(counts[i]!).fill(image));
}
