/** The figures that evaluations have, by task, and which end of them is the good one. */
import { LearningTask } from '../catalog/vocabulary.js';

export const METRICS: Record<LearningTask, readonly string[]> = {
  LIGHT_STATE: ['accuracy', 'precision', 'recall', 'f1', 'ece', 'red_as_green'],
  LIGHT_DETECTION: [
    ...['ap', 'ap50', 'ap75', 'ar1', 'ar10', 'ar100'],
    ...['recall', 'precision', 'color_accuracy', 'red_as_green'],
  ],
};

/** Errors: the smaller, the better. */
export const isError = (metric: string): boolean => metric === 'ece' || metric === 'red_as_green';
