import { decimal, percent } from '../terminal/format.js';
import { interval } from './tables.js';

export interface Verdict {
  ok: boolean;
  text: string;
}

/** Did training learn anything? The first epoch's training loss against the best one. */
export function judgeLoss(losses: number[]): Verdict {
  const first = losses[0];
  if (first === undefined) return { ok: false, text: 'no training loss was reported' };
  if (losses.length === 1) {
    return { ok: false, text: 'there was one epoch only: nothing to compare its training loss with' };
  }
  const best = Math.min(...losses.filter(Number.isFinite));
  const ok = Number.isFinite(first) && best < first;
  const change = `${decimal(first)} in epoch 1, ${decimal(best)} at best`;
  return { ok, text: ok ? `training loss fell: ${change}` : `the training loss did not fall: ${change}` };
}

interface Score {
  n: number;
  accuracy: number | null;
  lower: number | null;
  upper: number | null;
}

/** The trained weights must be right more often; whether the intervals meet is said either way. */
export function judgeScores(trained: Score, untrained: Score): Verdict {
  if (trained.n === 0 || trained.accuracy === null || untrained.accuracy === null) {
    return { ok: false, text: 'the test split has no lights: there is nothing to compare on' };
  }
  const ok = trained.accuracy > untrained.accuracy;
  const apart =
    (trained.lower ?? 0) > (untrained.upper ?? 1) || (trained.upper ?? 1) < (untrained.lower ?? 0);
  const after = `${percent(trained.accuracy)} ${interval(trained)}`;
  const before = `${percent(untrained.accuracy)} ${interval(untrained)}`;
  const verb = ok ? 'beats' : 'does not beat';
  const intervals = apart ? 'the intervals do not overlap' : 'the intervals overlap';
  return {
    ok,
    text: `trained, ${after}, ${verb} untrained, ${before}, on ${trained.n} unseen lights; ${intervals}`,
  };
}
