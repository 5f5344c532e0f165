/** Coverage and quality of every cell, side by side. */
import type { CoverageLimits } from '../catalog/coverage/columns/coverageColumns.js';
import type { DataSource } from 'typeorm';
import {
  CoverageDimension,
  crossTabs,
  type CoverageRequest,
  type Tab,
} from '../catalog/coverage/coverage.js';
import type { Cell } from '../catalog/coverage/columns/crossTab.js';
import { LearningTask } from '../catalog/vocabulary.js';
import { ShingoError } from '../platform/error.js';
import { keyOf, type Tally } from './keys.js';
import { qualityOf } from './qualityOf.js';
import { chooseEvaluation, figuresOf, type EvaluationChoice, type Figures } from './quality.js';

const MOST_MINIMUM_N = 1_000_000;

export type QualityState = 'OK' | 'INSUFFICIENT_DATA' | 'NOT_EVALUATED';

export interface TableCell {
  /** One a dimension; places by their UUID. */
  keys: (string | null)[];
  /** What there is of it now; nothing: zeros. */
  counts: Omit<Cell, 'keys'>;
  figures: Figures;
  state: QualityState;
}

export interface Table {
  by: CoverageDimension[];
  evaluationUuid: string | null;
  /** Of the lights: accuracy of colours or, of a detector, recall. */
  metric: 'accuracy' | 'recall';
  conditionsChanged: string[];
  overall: Figures & { state: QualityState };
  cells: TableCell[];
  total: number;
  /** Cross-tabs of the same moment, in the order of `beside`. */
  beside: Tab[];
}

export interface TableQuestion extends EvaluationChoice {
  by: CoverageDimension[];
  minimumN?: number | null;
}

const NOTHING = { images: 0, lights: 0, objects: 0, places: 0, drives: 0 };

/**
 * One pass over each, quality and coverage, whatever the number of cells; see lights.ts. A cell that was evaluated
 * and has no image any more is there as well.
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND, EVALUATION_UNFINISHED, COVERAGE_TOO_LARGE
 */
export async function qualityTable(
  db: DataSource,
  projectUuid: string,
  question: TableQuestion,
  { limits, beside = [] }: { limits?: CoverageLimits; beside?: CoverageRequest[] } = {},
): Promise<Table> {
  const { by } = question;
  if (question.minimumN != null) checkMinimum(question.minimumN);
  const [tab, ...others] = await crossTabs(db, projectUuid, [{ by }, ...beside], { limits });
  const evaluation = await chooseEvaluation(db, projectUuid, question);
  const quality = evaluation && (await qualityOf(db, evaluation.uuid, by));
  const minimumN = question.minimumN ?? evaluation?.minimumN ?? 1;
  const figures = (tally: Tally) => figuresOf(tally, evaluation?.confidence);
  const stateOf = (n: number): QualityState =>
    n === 0 ? 'NOT_EVALUATED' : n < minimumN ? 'INSUFFICIENT_DATA' : 'OK';
  const tallies = new Map(quality?.cells.map((cell) => [keyOf(cell.keys), cell]));
  const cells = (tab as Tab).cells.map(({ keys, ...counts }) => {
    const tally = tallies.get(keyOf(keys)) ?? { n: 0, correct: 0 };
    tallies.delete(keyOf(keys));
    return { keys, counts, figures: figures(tally), state: stateOf(tally.n) };
  });
  for (const { keys, ...tally } of tallies.values())
    cells.push({ keys, counts: NOTHING, figures: figures(tally), state: stateOf(tally.n) });
  const overall = figures(quality?.overall ?? { n: 0, correct: 0 });
  return {
    by,
    evaluationUuid: evaluation?.uuid ?? null,
    metric: evaluation?.task === LearningTask.LIGHT_DETECTION ? 'recall' : 'accuracy',
    conditionsChanged: by.includes(CoverageDimension.CONDITION) ? (evaluation?.conditionsChanged ?? []) : [],
    overall: { ...overall, state: stateOf(overall.n) },
    cells: cells.sort((a, b) => compareKeys(a.keys, b.keys)),
    total: (tab as Tab).total,
    beside: others,
  };
}

/** In the order of their texts, missing last: the order in which coverage gives its cells. */
export function compareKeys(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  const at = a.findIndex((key, index) => key !== b[index]);
  if (at < 0) return 0;
  const [x, y] = [a[at] ?? null, b[at] ?? null];
  if (x === null) return 1;
  if (y === null) return -1;
  return x < y ? -1 : 1;
}

function checkMinimum(n: number): void {
  if (n >= 1 && n <= MOST_MINIMUM_N) return;
  throw new ShingoError('BAD_USER_INPUT', `minimumN is 1 to ${MOST_MINIMUM_N}.`, 400, ['minimumN']);
}
