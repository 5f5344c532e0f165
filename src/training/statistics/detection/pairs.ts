/** Two models' answers to the same lights, one by one. */
import { type McNemar, mcnemarOf } from '../mcnemar.js';
import type { Cell } from './cells.js';
import type { DetectionSet } from './detectionSet.js';

interface PairedTruths {
  label: number[];
  foundAs: number[];
}

/**
 * Exact McNemar of a proportion over truths. `recall`: found or not. `color_accuracy` and `read_as`: of those that both
 * found, in their own class or not, as one of `to` or not (which counts as wrong).
 * @param a and b hold the same images, added in the same order.
 * @throws RangeError of figures that are not of single truths (AP, AR, precision): bootstrap those.
 */
export function mcnemarOfDetections(a: DetectionSet, b: DetectionSet, cell: Cell): McNemar & { n: number } {
  const [first, second] = [truthsOf(a, cell), truthsOf(b, cell)];
  if (first.label.length !== second.label.length || first.label.some((one, i) => one !== second.label[i]))
    throw new RangeError('mcnemarOfDetections: the two sets hold different images');
  const both = [...first.label.keys()].filter(
    (i) => cell.metric === 'recall' || (first.foundAs[i]! >= 0 && second.foundAs[i]! >= 0),
  );
  const right = ({ label, foundAs }: PairedTruths) => both.map((i) => isRight(cell, label[i]!, foundAs[i]!));
  return { ...mcnemarOf(right(first), right(second)), n: both.length };
}

function truthsOf(set: DetectionSet, { metric, label, range, from }: Cell): PairedTruths {
  const truths: PairedTruths = { label: [], foundAs: [] };
  set.eachTruth(range, (_, one, foundAs) => {
    if ((label !== null && one !== label) || (metric === 'read_as' && !from?.includes(one))) return;
    truths.label.push(one);
    truths.foundAs.push(foundAs);
  });
  return truths;
}

function isRight({ metric, to }: Cell, label: number, foundAs: number): boolean {
  if (metric === 'recall') return foundAs >= 0;
  if (metric === 'color_accuracy') return foundAs === label;
  if (metric === 'read_as') return !to?.includes(foundAs);
  throw new RangeError(
    `mcnemarOfDetections: ${metric} is not a proportion of truths; bootstrap its difference`,
  );
}
