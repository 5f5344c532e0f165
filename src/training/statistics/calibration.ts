/** Whether a model that says .9 is right nine times of ten. */
import { type Interval, wilson } from './wilson.js';

/** Bins of equal width, as Guo et al. 2017 ("On Calibration of Modern Neural Networks") take them. */
export const CALIBRATION_BINS = 15;

export interface ReliabilityBin {
  /** Confidences from `from`, below `to`; the last holds 1 as well. */
  from: number;
  to: number;
  n: number;
  /** Means over the bin; null: it is empty. */
  confidence: number | null;
  accuracy: number | null;
  /** Wilson, of the accuracy. */
  interval: Interval | null;
}

/** Sums per bin: they add up over lights, images and resamples. */
export interface BinSums {
  n: Float64Array;
  confidence: Float64Array;
  right: Float64Array;
}

export const binSums = (bins = CALIBRATION_BINS): BinSums => ({
  n: new Float64Array(bins),
  confidence: new Float64Array(bins),
  right: new Float64Array(bins),
});

/** @throws RangeError when the confidence is not in [0, 1]. */
export function binOf(confidence: number, bins = CALIBRATION_BINS): number {
  // A softmax in 32 bits may add up to 1.0000001.
  if (!(confidence >= 0 && confidence <= 1 + 1e-6))
    throw new RangeError(`calibration: ${confidence} is no confidence from 0 to 1`);
  return Math.min(bins - 1, Math.floor(confidence * bins));
}

export function addToBins(sums: BinSums, bin: number, confidence: number, right: boolean, weight = 1): void {
  sums.n[bin]! += weight;
  sums.confidence[bin]! += confidence * weight;
  if (right) sums.right[bin]! += weight;
}

/**
 * Expected calibration error: Σ n_b / n · |accuracy_b − confidence_b| (Naeini et al. 2015; Guo et al. 2017, eq. 3).
 * It is biased upwards where bins hold few lights: compare models on the same lights, and see its interval.
 * @returns null without a light.
 */
export function expectedCalibrationError({ n, confidence, right }: BinSums): number | null {
  const all = n.reduce((sum, one) => sum + one, 0);
  if (all === 0) return null;
  return n.reduce((sum, _, bin) => sum + Math.abs(right[bin]! - confidence[bin]!), 0) / all;
}

export function reliability({ n, confidence, right }: BinSums): ReliabilityBin[] {
  return Array.from(n, (count, bin) => ({
    from: bin / n.length,
    to: (bin + 1) / n.length,
    n: count,
    confidence: count === 0 ? null : confidence[bin]! / count,
    accuracy: count === 0 ? null : right[bin]! / count,
    interval: count === 0 ? null : wilson(right[bin]!, count),
  }));
}
