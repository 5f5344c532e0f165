/** What to collect next: the cells of the coverage table, those first in which the model is bad, unproven or unfed. */
import type { CoverageLimits } from '../catalog/coverage/columns/coverageColumns.js';
import type { DataSource } from 'typeorm';
import { conditionsOf } from '../catalog/condition/conditionService.js';
import { CoverageDimension, CoverageMeasure, type CoverageRequest } from '../catalog/coverage/coverage.js';
import { ShingoError } from '../platform/error.js';
import { isDefinite, possibleCells } from './cells.js';
import { keyOf } from './keys.js';
import { NearestImages, marginals, type Nearest } from './nearest.js';
import { figuresOf } from './quality.js';
import { DEFAULT_WEIGHTS, mean, partsOf, scoreOf, type RankWeights, type ScoreParts } from './rank.js';
import { Sites, type Site } from './sites.js';
import { compareKeys, qualityTable, type Table, type TableCell, type TableQuestion } from './table.js';
import { Suns, placesOf, weatherHours } from './world.js';

export interface CollectQuestion extends TableQuestion {
  first: number;
  sites: number;
  /** Of what a cell is rare. */
  measure: CoverageMeasure;
  weights?: RankWeights | null;
}

export interface Proposal {
  cell: TableCell & { keys: string[] };
  score: number;
  parts: ScoreParts;
  nearest: Nearest;
  sites: Site[];
}

export interface Proposals {
  table: Table;
  weights: RankWeights;
  typical: number;
  /** That could be collected. */
  ranked: number;
  proposals: Proposal[];
}

const MOST_CELLS = 100;
const MOST_SITES = 20;
const COUNT = {
  [CoverageMeasure.IMAGES]: 'images',
  [CoverageMeasure.LIGHTS]: 'lights',
  [CoverageMeasure.OBJECTS]: 'objects',
  [CoverageMeasure.PLACES]: 'places',
  [CoverageMeasure.DRIVES]: 'drives',
} as const;
const CLOCK: CoverageRequest = { by: [CoverageDimension.HOUR, CoverageDimension.TIME_OF_DAY], measure: [] };
const NOTHING = { images: 0, lights: 0, objects: 0, places: 0, drives: 0 };

/**
 * A bounded number of statements, whatever the number of cells. Cells of which a key is missing or UNDEFINED are not
 * ranked: nobody can drive out for them.
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND, EVALUATION_UNFINISHED, COVERAGE_TOO_LARGE
 */
export async function collectNext(
  db: DataSource,
  projectUuid: string,
  question: CollectQuestion,
  limits?: CoverageLimits,
): Promise<Proposals> {
  check(question);
  const { by, measure, first } = question;
  const requests = marginals(by);
  const table = await qualityTable(db, projectUuid, question, { limits, beside: [CLOCK, ...requests] });
  const [clock, ...tabs] = table.beside;
  const world = {
    places: await placesOf(db, projectUuid),
    conditions: await conditionsOf(db, projectUuid),
    suns: new Suns(),
  };
  const cells = withEmpty(table.cells, possibleCells(by, world));
  const typical = mean(cells.map(({ counts }) => counts[COUNT[measure]]));
  const weights = question.weights ?? DEFAULT_WEIGHTS;
  const scale = { overallError: table.overall.value === null ? null : 1 - table.overall.value, typical };
  const scored = cells.map((cell) => {
    const parts = partsOf(cell.figures, cell.counts[COUNT[measure]], scale);
    return { cell, parts, score: scoreOf(parts, weights) };
  });
  scored.sort((a, b) => b.score - a.score || compareKeys(a.cell.keys, b.cell.keys));
  const nearest = new NearestImages(
    by,
    table.cells.map(({ keys, counts }) => ({ keys, images: counts.images })),
    requests,
    tabs,
    table.total,
  );
  const weather = await weatherHours(db, projectUuid);
  const sites = new Sites(world.places, world.conditions, world.suns, weather, clock!);
  const proposals = scored.slice(0, first).map((one) => ({
    ...one,
    nearest: nearest.of(one.cell.keys),
    sites: sites.of(by, one.cell.keys, question.sites),
  }));
  return { table, weights, typical, ranked: cells.length, proposals };
}

/** The cells that could be collected, those of nothing among them. */
function withEmpty(cells: TableCell[], possible: string[][]): (TableCell & { keys: string[] })[] {
  const found = cells.filter((cell): cell is TableCell & { keys: string[] } => isDefinite(cell.keys));
  const known = new Set(found.map(({ keys }) => keyOf(keys)));
  const empty = possible
    .filter((keys) => !known.has(keyOf(keys)))
    .map((keys) => ({
      keys,
      counts: NOTHING,
      figures: figuresOf({ n: 0, correct: 0 }),
      state: 'NOT_EVALUATED' as const,
    }));
  return [...found, ...empty];
}

function check({ first, sites, weights }: CollectQuestion): void {
  const bad = (message: string, field: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  if (first < 0 || first > MOST_CELLS) throw bad(`first is 0 to ${MOST_CELLS} cells.`, 'first');
  if (sites < 0 || sites > MOST_SITES) throw bad(`sites is 0 to ${MOST_SITES} places a cell.`, 'sites');
  if (!weights) return;
  const all = [weights.bad, weights.uncertain, weights.rare];
  if (all.every((weight) => weight >= 0 && weight <= 1000) && all.some((weight) => weight > 0)) return;
  throw bad('Weights are 0 to 1,000, and not all of them 0.', 'weights');
}
