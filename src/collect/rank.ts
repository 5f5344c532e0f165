/** What to collect first: how bad, how uncertain and how rare a cell is, put into one number. */
import type { Figures } from './quality.js';

export interface RankWeights {
  bad: number;
  uncertain: number;
  rare: number;
}

/**
 * Shares of errors that anybody would keep a model for lie below a third, while the other two parts fill 0 to 1: three
 * times the weight makes a third of wrong answers count as much as never having looked.
 */
export const DEFAULT_WEIGHTS: RankWeights = { bad: 3, uncertain: 1, rare: 1 };

/** Each 0 to 1. */
export interface ScoreParts {
  bad: number;
  uncertain: number;
  rare: number;
}

export interface Scale {
  /** Share of wrong answers over every light; null: no evaluation. */
  overallError: number | null;
  /** What an average cell has. */
  typical: number;
}

/**
 * bad = 1 - value; of a cell that was never evaluated, as bad as the model is over all, and 1 without any evaluation.
 * uncertain = upper - lower of the interval, 1 where nothing was evaluated.
 * rare = typical / (typical + count): 1 where there is nothing, 1/2 where there is as much as in an average cell.
 */
export function partsOf(figures: Figures, count: number, { overallError, typical }: Scale): ScoreParts {
  return {
    bad: figures.value === null ? (overallError ?? 1) : 1 - figures.value,
    uncertain: figures.upper - figures.lower,
    rare: typical + count === 0 ? 1 : typical / (typical + count),
  };
}

/** The weighted mean, 0 to 1; it grows with each part, so that what is worse in all three never comes later. */
export function scoreOf(parts: ScoreParts, weights: RankWeights): number {
  const sum = weights.bad + weights.uncertain + weights.rare;
  return (weights.bad * parts.bad + weights.uncertain * parts.uncertain + weights.rare * parts.rare) / sum;
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
