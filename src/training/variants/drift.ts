/** How far an export has drifted from the model that was evaluated, on the same pictures. */
import { wilson } from '../statistics/wilson.js';

/** What LIGHT_STATE predicts of one light. */
export interface LightAnswer {
  id: string;
  /** The right one. */
  label: number;
  predicted: number;
  /** NaN of a model that has diverged is null in JSON. */
  scores: (number | null)[];
}

export interface Drift {
  /** Decisions compared: lights, or what the two detectors found. */
  n: number;
  /** Over every score of every decision; null: a score that is no number on one side only. */
  maxScoreDifference: number | null;
  changed: number;
  /** Of a detector: over the sides of what both found, in pixels of the picture; null: it finds no boxes. */
  maxBoxDifference: number | null;
  /** changed / n, with the upper end of its 95 % Wilson interval: at most so many are changed. */
  changedShare: number;
  changedUpper: number;
  /** Share of right decisions, of a detector recall: of the model that was evaluated, of the export, and what was lost. */
  referenceAccuracy: number;
  accuracy: number;
  accuracyDifference: number;
}

/** @param answers of the same lights in the same order as the reference */
export function lightDrift(reference: readonly LightAnswer[], answers: readonly LightAnswer[]): Drift {
  if (reference.length !== answers.length || reference.some(({ id }, at) => id !== answers[at]?.id))
    throw new RangeError('lightDrift: the answers are of other lights');
  let [changed, right, referenceRight] = [0, 0, 0];
  let largest: number | null = 0;
  reference.forEach((one, at) => {
    const other = answers[at]!;
    if (one.predicted !== other.predicted) changed += 1;
    if (one.predicted === one.label) referenceRight += 1;
    if (other.predicted === one.label) right += 1;
    one.scores.forEach((score, index) => {
      const difference = differenceOf(score, other.scores[index] ?? null);
      largest = largest === null || difference === null ? null : Math.max(largest, difference);
    });
  });
  const n = reference.length;
  return driftOf({
    ...{ n, changed, maxScoreDifference: largest, maxBoxDifference: null },
    ...{ truths: n, referenceRight, right },
  });
}

export interface DriftCounts extends Pick<
  Drift,
  'n' | 'changed' | 'maxScoreDifference' | 'maxBoxDifference'
> {
  /** Lights that somebody has labelled. */
  truths: number;
  referenceRight: number;
  right: number;
}

export function driftOf({ truths, referenceRight, right, ...counts }: DriftCounts): Drift {
  const { n, changed } = counts;
  const share = (count: number, of: number) => (of === 0 ? 0 : count / of);
  return {
    ...counts,
    changedShare: share(changed, n),
    changedUpper: wilson(changed, n).upper,
    referenceAccuracy: share(referenceRight, truths),
    accuracy: share(right, truths),
    accuracyDifference: share(right, truths) - share(referenceRight, truths),
  };
}

function differenceOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a === b ? 0 : null;
  return Math.abs(a - b);
}

export interface DriftBound {
  /** Of all decisions, the share that may be changed. */
  maxChangedShare: number;
  /** Null: whatever. */
  maxScoreDifference: number | null;
}

/**
 * OK only where the interval says so: its upper end is within the bound. INSUFFICIENT_DATA: too few decisions were
 * compared to tell, which is no pass.
 */
export type DriftVerdict = 'OK' | 'INSUFFICIENT_DATA' | 'DRIFT';

export function verdictOf(drift: Drift, bound: DriftBound): DriftVerdict {
  const { changedShare, changedUpper, maxScoreDifference: difference } = drift;
  if (changedShare > bound.maxChangedShare || difference === null) return 'DRIFT';
  if (bound.maxScoreDifference !== null && difference > bound.maxScoreDifference) return 'DRIFT';
  return changedUpper <= bound.maxChangedShare ? 'OK' : 'INSUFFICIENT_DATA';
}
