/** The resamples of a plan. */
import { drawUnits } from '../resampling.js';
import type { DetectionBootstrapOptions } from './bootstrap.js';
import type { DetectionSet } from './detectionSet.js';
import { PlanEvaluator, type Plan } from './plan.js';

/** [cell][resample]. */
export async function resampleRows(
  plan: Plan,
  set: DetectionSet,
  { resamples, seed, signal }: DetectionBootstrapOptions,
): Promise<Float64Array[]> {
  const rows = plan.cells.map(() => new Float64Array(resamples));
  const evaluator = new PlanEvaluator(plan);
  const counts = new Int32Array(set.unitsDrawn);
  const weights = new Int32Array(plan.images);
  for (let resample = 0; resample < resamples; resample++) {
    signal?.throwIfAborted();
    drawUnits(set.unitsDrawn, seed, resample, counts);
    for (let i = 0; i < weights.length; i++) weights[i] = counts[set.units.at(i)]!;
    evaluator.weigh(weights);
    plan.cells.forEach((cell, c) => (rows[c]![resample] = evaluator.value(cell) ?? NaN));
  }
  return rows;
}
