import { decimal, percent, plural } from '../terminal/format.js';
import { interval } from './tables.js';

export interface Verdict {
  ok: boolean;
  text: string;
  /** How sure one may be of it. */
  note?: string;
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
  const verb = ok ? 'beats' : 'does not beat';
  const figures = `${percent(trained.accuracy)} ${interval(trained)} against ${percent(untrained.accuracy)} ${interval(untrained)}`;
  return {
    ok,
    text: `trained ${verb} untrained on ${plural(trained.n, 'unseen light')}: ${figures}`,
    note: apart
      ? 'the 95 % intervals do not overlap'
      : 'the 95 % intervals overlap: on this many lights the difference may be chance',
  };
}
