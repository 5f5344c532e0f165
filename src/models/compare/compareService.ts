import type { DataSource } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { ShingoError } from '../../platform/error.js';
import { compareSlices } from '../../training/statistics/verdicts.js';
import { METRICS, isError } from '../metrics.js';
import { chooseEvaluations, type Choice } from './choose.js';
import { ComparisonSlice, ComparisonVerdict, ModelComparison } from './comparison.js';
import { differencesOf } from './differences.js';
import { pairOf, type Pair } from './pair.js';
import type { Slice } from './slice.js';

/** Holm asks the more of each the more there are; and a bootstrap of 200 figures takes a minute. */
export const MAX_SLICES = 200;

/** Null or missing: see DEFAULT_METRICS; the whole split and every condition; over all classes; every size. */
export interface SliceFilter {
  metrics?: string[] | null;
  conditions?: (string | null)[] | null;
  classes?: (string | null)[] | null;
  sizeBins?: (number | null)[] | null;
}

const DEFAULT_METRICS: Record<LearningTask, string[]> = {
  LIGHT_STATE: ['accuracy'],
  LIGHT_DETECTION: ['ap', 'recall'],
};

/**
 * @param a and b name an evaluation, an experiment or a model version
 * @throws ShingoError NOT_FOUND, NOT_COMPARABLE, EVALUATION_UNFINISHED, BAD_USER_INPUT, CONDITION_UNKNOWN, TOO_BUSY
 */
export async function compareModels(
  db: DataSource,
  a: string,
  b: string,
  { filter, ...choice }: Choice & { filter: SliceFilter },
): Promise<ModelComparison> {
  const pair = await pairOf(db, ...(await chooseEvaluations(db, a, b, choice)));
  const slices = slicesOf(pair, filter);
  const differences = await differencesOf(db, pair, slices);
  const { confidence, minimumN } = pair.protocol;
  // 1 - 0.95 is not 0.05.
  const alpha = Number((1 - confidence).toFixed(12));
  const { slices: verdicts, tested } = compareSlices(
    differences.map(({ slice, n, difference, p }) => {
      return { n, difference, pValue: p, higherIsBetter: !isError(slice.metric) };
    }),
    { minimumN, alpha },
  );
  const found = differences.map(({ slice, ...difference }, at) => {
    const place = slice.condition === null ? -1 : pair.conditionNames.indexOf(slice.condition);
    const { verdict, adjustedP } = verdicts[at]!;
    return Object.assign(new ComparisonSlice(), slice, difference, {
      conditionVersion: pair.conditionVersions[place] ?? null,
      adjustedP,
      verdict: ComparisonVerdict[verdict],
    });
  });
  return Object.assign(new ModelComparison(), { pair, slices: found, tested, alpha });
}

/** Figures that have no classes of their own. */
const WHOLE = ['ece', 'red_as_green'];

function slicesOf(pair: Pair, { metrics, conditions, classes, sizeBins }: SliceFilter): Slice[] {
  const { task, conditionNames, protocol } = pair;
  const asked = {
    metrics: metrics ?? DEFAULT_METRICS[task],
    conditions: conditions ?? [null, ...conditionNames],
    classes: classes ?? [null],
    sizeBins: sizeBins ?? [null],
  };
  const bins = [...protocol.sizeBounds.keys(), protocol.sizeBounds.length];
  checkKnown('metrics', asked.metrics, METRICS[task]);
  checkKnown('conditions', asked.conditions, conditionNames, 'CONDITION_UNKNOWN');
  checkKnown('classes', asked.classes, pair.classes);
  checkKnown('sizeBins', asked.sizeBins, bins);
  const slices = [...new Set(asked.metrics)].flatMap((metric) =>
    [...new Set(asked.conditions)].flatMap((condition) =>
      [...new Set(asked.classes)]
        .filter((name) => name === null || !WHOLE.includes(metric))
        .flatMap((name) =>
          [...new Set(asked.sizeBins)].map((sizeBin) => ({ metric, condition, class: name, sizeBin })),
        ),
    ),
  );
  if (slices.length > 0 && slices.length <= MAX_SLICES) return slices;
  const message = `These are ${slices.length} slices; ask for 1 to ${MAX_SLICES}.`;
  throw new ShingoError('BAD_USER_INPUT', message, 400, ['conditions']);
}

function checkKnown<T>(
  field: string,
  asked: readonly (T | null)[],
  known: readonly T[],
  code = 'BAD_USER_INPUT',
) {
  const wrong = asked.find((one) => one !== null && !known.includes(one));
  if (wrong == null) return;
  const message = `${field}: there is no ${JSON.stringify(wrong).slice(0, 100)} here; there are ${known.join(', ')}.`;
  throw new ShingoError(code, message, 400, [field]);
}
