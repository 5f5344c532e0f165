/** Judges a version by the rules of its project. Reads; what it rests on is in the report's basis. */
import type { DataSource } from 'typeorm';
import { differencesOf } from '../compare/differences.js';
import { pairOf, type Pair } from '../compare/pair.js';
import { figuresOf, type Figure } from './cells.js';
import { judgeDifference, judgeFigure, unjudged } from './judge.js';
import { GateReport, GateResult, GateSlice, Verdict, worst } from './report.js';
import { GateBound } from './rule.js';
import { subjectOf, type GateSubject, type RuleSubject } from './subject.js';

/** @throws ShingoError NOT_FOUND */
export async function gateReport(db: DataSource, versionUuid: string): Promise<GateReport> {
  const subject = await subjectOf(db, versionUuid);
  const bounds = subject.rules.filter(({ rule }) => rule.bound !== GateBound.NOT_WORSE);
  const figures = await figuresOf(db, bounds);
  const differences = await differencesByRule(db, subject);
  const results = subject.rules.map((one) => {
    const slices =
      one.rule.bound === GateBound.NOT_WORSE
        ? judgedDifferences(one, versionUuid, subject.championUuid, differences.get(one) ?? [])
        : judgedFigures(one, figures[bounds.indexOf(one)] ?? []);
    return resultOf(one, slices);
  });
  return Object.assign(new GateReport(), {
    verdict: worst(results)?.verdict ?? Verdict.PASS,
    judgedAt: subject.at,
    results,
    ...{ versionUuid, championUuid: subject.championUuid, basis: subject.basis },
  });
}

function judgedFigures({ rule, evaluationUuid, minimumN }: RuleSubject, figures: Figure[]): GateSlice[] {
  if (evaluationUuid === null || minimumN === null) {
    const sentence = `There is no finished evaluation of the ${rule.split} split of its data set by ${rule.protocol}; start one.`;
    return [unjudged(Verdict.NOT_EVALUATED, rule.condition, sentence)];
  }
  if (figures.length === 0) {
    const sentence = `The evaluation has no figure ${rule.metric} of this class, condition and size.`;
    return [unjudged(Verdict.NOT_EVALUATED, rule.condition, sentence)];
  }
  return figures.map((figure) => judgeFigure(rule, figure, minimumN));
}

function judgedDifferences(
  { rule, evaluationUuid, baselineUuid, minimumN }: RuleSubject,
  versionUuid: string,
  championUuid: string | null,
  differences: Figure[],
): GateSlice[] {
  const say = (verdict: Verdict, sentence: string) => [unjudged(verdict, rule.condition, sentence)];
  if (championUuid === null)
    return say(Verdict.PASS, 'There never was a champion that it could be worse than.');
  if (championUuid === versionUuid) return say(Verdict.PASS, 'It is the champion, or was the last.');
  if (evaluationUuid === null || minimumN === null)
    return judgedFigures({ rule, evaluationUuid: null, baselineUuid, minimumN }, []);
  if (baselineUuid === null)
    return say(
      Verdict.NOT_EVALUATED,
      'The champion has no finished evaluation of the same data set version, split and protocol; start one.',
    );
  if (differences.length === 0)
    return say(Verdict.NOT_EVALUATED, `The evaluations have no class, condition or size of this name.`);
  return differences.map((difference) => judgeDifference(rule, difference, minimumN));
}

/** Each pair of evaluations is read once, whatever the number of rules that look at it. */
async function differencesByRule(
  db: DataSource,
  { championUuid, rules }: GateSubject,
): Promise<Map<RuleSubject, Figure[]>> {
  const found = new Map<RuleSubject, Figure[]>();
  if (championUuid === null) return found;
  const pairs = Map.groupBy(
    rules.filter(({ evaluationUuid, baselineUuid }) => evaluationUuid !== null && baselineUuid !== null),
    ({ evaluationUuid, baselineUuid }) => `${evaluationUuid} ${baselineUuid}`,
  );
  for (const subjects of pairs.values()) {
    const [{ evaluationUuid, baselineUuid }] = subjects as [RuleSubject];
    const pair = await pairOf(db, baselineUuid as string, evaluationUuid as string);
    const slices = subjects.map((one) => slicesOf(one, pair));
    const differences = await differencesOf(db, pair, slices.flat());
    let at = 0;
    for (const [place, subject] of subjects.entries()) {
      const own = differences.slice(at, (at += slices[place]?.length ?? 0));
      found.set(
        subject,
        own.map(({ slice, difference, ...rest }) => ({
          ...rest,
          condition: slice.condition,
          value: difference,
        })),
      );
    }
  }
  return found;
}

function slicesOf({ rule }: RuleSubject, pair: Pair) {
  const conditions = rule.everyCondition ? [null, ...pair.conditionNames] : [rule.condition];
  const known = (name: string | null, names: string[]) => name === null || names.includes(name);
  const bins = pair.protocol.sizeBounds.length + 1;
  if (!known(rule.class, pair.classes) || (rule.sizeBin ?? 0) >= bins) return [];
  return conditions
    .filter((condition) => known(condition, pair.conditionNames))
    .map((condition) => ({ metric: rule.metric, class: rule.class, condition, sizeBin: rule.sizeBin }));
}

function resultOf({ rule, evaluationUuid, baselineUuid }: RuleSubject, slices: GateSlice[]): GateResult {
  const decisive = worst(slices) as GateSlice;
  return Object.assign(new GateResult(), decisive, { rule, slices, evaluationUuid, baselineUuid });
}
