/** From figures to verdicts, with a sentence for people. Pure. */
import { isError } from '../metrics.js';
import { Verdict, type GateSlice } from './report.js';
import { GateBound, type GateRule } from './rule.js';
import type { Figure } from './cells.js';

/** 0.9512 → "95.12 %" */
export const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

const where = ({ metric, class: of, sizeBin }: GateRule, condition: string | null): string =>
  [
    metric,
    ...(of === null ? [] : [`of ${of}`]),
    ...(condition === null ? [] : [`in ${condition}`]),
    ...(sizeBin === null ? [] : [`of size bin ${sizeBin}`]),
  ].join(' ');

/** @param minimumN of the protocol */
export function judgeFigure(rule: GateRule, figure: Figure, minimumN: number): GateSlice {
  const { condition, value, n, lower, upper, method } = figure;
  const slice = { condition, value, n, lower, upper, method };
  const name = where(rule, condition);
  const end = rule.bound === GateBound.UPPER ? upper : lower;
  if (value === null || end === null || n < minimumN) {
    const sentence = `${name}: n is ${n}; the protocol asks for ${minimumN} at least.`;
    return { ...slice, verdict: Verdict.INSUFFICIENT_DATA, sentence };
  }
  const upwards = rule.bound === GateBound.LOWER;
  const passes = upwards ? end >= rule.threshold : end <= rule.threshold;
  const sentence =
    `${name} is ${percent(value)} (n = ${n}); the ${upwards ? 'lower' : 'upper'} end of its interval, ` +
    `${percent(end)}, is ${relation(end, rule.threshold)} ${percent(rule.threshold)}.`;
  return { ...slice, verdict: passes ? Verdict.PASS : Verdict.FAIL, sentence };
}

const relation = (end: number, threshold: number): string =>
  end === threshold ? 'just' : end < threshold ? 'below' : 'above';

/**
 * Non-inferiority: of a quality the lower end of (candidate − champion) is above −margin, of an error the upper end
 * below the margin. Every condition must pass, so that looking at many of them needs no correction.
 * @param difference candidate − champion
 */
export function judgeDifference(rule: GateRule, difference: Figure, minimumN: number): GateSlice {
  const { condition, value, n, lower, upper, method } = difference;
  const slice = { condition, value, n, lower, upper, method };
  const name = where(rule, condition);
  if (value === null || lower === null || upper === null || n < minimumN) {
    const sentence = `${name}: n is ${n} in both; the protocol asks for ${minimumN} at least.`;
    return { ...slice, verdict: Verdict.INSUFFICIENT_DATA, sentence };
  }
  const loss = isError(rule.metric) ? upper : -lower;
  const sentence =
    `${name} differs from the champion's by ${percent(value)} (n = ${n}, ${percent(lower)} to ${percent(upper)}): ` +
    `at worst it loses ${percent(Math.max(0, loss))}, ${loss < rule.threshold ? 'less' : 'not less'} than ${percent(rule.threshold)}.`;
  return { ...slice, verdict: loss < rule.threshold ? Verdict.PASS : Verdict.FAIL, sentence };
}

/** Where there is no figure to judge. */
export const unjudged = (verdict: Verdict, condition: string | null, sentence: string): GateSlice => ({
  ...{ condition, verdict, sentence, value: null, n: 0, lower: null, upper: null, method: null },
});
