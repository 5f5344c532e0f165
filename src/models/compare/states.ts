/** Differences of two evaluations of LIGHT_STATE. */
import type { DataSource } from 'typeorm';
import {
  StateSet,
  bootstrapStateDifferences,
  type StateCell,
  type StateMetric,
} from '../../training/statistics/states/index.js';
import { differenceOfCell, resampling } from './bootstrap.js';
import { zOf, type Pair } from './pair.js';
import { count, noCounts, ruleOf, shareDifference, type Rule } from './share.js';
import type { Difference, Slice } from './slice.js';

/** In the order of the slices. */
export async function stateDifferences(
  db: DataSource,
  pair: Pair,
  slices: readonly Slice[],
): Promise<Difference[]> {
  const rules = new Map(slices.map((slice) => [slice, ruleOf(pair.task, slice)]));
  const tally = [...rules.values()].some((rule) => rule !== null) ? await tallyOf(db, pair) : [];
  const found = new Map<Slice, Difference>();
  for (const [slice, rule] of rules)
    if (rule)
      found.set(slice, shareDifference(slice, countsOf(pair, tally, slice, rule), zOf(pair.protocol)));
  const others = Map.groupBy(
    slices.filter((slice) => !found.has(slice)),
    ({ condition, sizeBin }) => JSON.stringify([condition, sizeBin]),
  );
  for (const group of others.values()) {
    const { condition, sizeBin } = group[0] as Slice;
    const [a, b] = await setsOf(db, pair, condition, sizeBin);
    const cells = group.map((slice) => cellOf(pair, slice));
    const differences = await bootstrapStateDifferences(a, b, cells, resampling(pair, slices.length));
    differences.forEach((one, at) => found.set(group[at]!, differenceOfCell(group[at]!, one)));
  }
  return slices.map((slice) => found.get(slice)!);
}

interface TallyRow {
  conditions: number[];
  label: string;
  sizeBin: number | null;
  a: string;
  b: string;
  n: number;
}

/**
 * How often the two answered so and so, grouped by all that a slice can ask for, so that one statement serves all of
 * them: with 4 classes, 5 sizes and 30 combinations of conditions at most 9,600 rows.
 */
async function tallyOf(db: DataSource, { a, b, protocol }: Pair): Promise<TallyRow[]> {
  return db.query(
    `/* compare.tally */ SELECT a.conditions, ($3::text[])[a.actual + 1] AS label,
       width_bucket(a.width::float8, $5::float8[])::int AS "sizeBin",
       ($3::text[])[a.predicted + 1] AS a, ($4::text[])[b.predicted + 1] AS b, count(*)::int AS n
     FROM evaluation_prediction a
     JOIN evaluation_prediction b ON b.evaluation_id = $2 AND b.sha256 = a.sha256 AND b.light = a.light
     WHERE a.evaluation_id = $1 GROUP BY 1, 2, 3, 4, 5`,
    [a.uuid, b.uuid, a.classes, b.classes, protocol.sizeBounds],
  );
}

function countsOf(pair: Pair, rows: TallyRow[], { condition, sizeBin }: Slice, rule: Rule) {
  const place = condition === null ? null : pair.conditionNames.indexOf(condition);
  const counts = noCounts();
  for (const row of rows) {
    if (place !== null && !row.conditions.includes(place)) continue;
    if (sizeBin !== null && row.sizeBin !== sizeBin) continue;
    count(counts, rule(row.label, row.a), rule(row.label, row.b), row.n);
  }
  return counts;
}

const cellOf = ({ classes }: Pair, { metric, class: of }: Slice): StateCell => ({
  metric: metric as StateMetric,
  label: of === null ? null : classes.indexOf(of),
});

const PAGE = 5_000;

interface PairedLight {
  sha256: string;
  light: number;
  drive: string | null;
  label: string;
  a: string;
  b: string;
  score_a: number;
  score_b: number;
}

/** Both with the same lights in the same order; 22 bytes a light each. */
async function setsOf(
  db: DataSource,
  pair: Pair,
  condition: string | null,
  sizeBin: number | null,
): Promise<[StateSet, StateSet]> {
  const { a, b, classes, protocol, conditionNames } = pair;
  const sets: [StateSet, StateSet] = [new StateSet(classes.length), new StateSet(classes.length)];
  for (let [after, light] = ['', -1]; ;) {
    const rows: PairedLight[] = await db.query(
      `/* compare.lights */ SELECT a.sha256, a.light, i.drive, ($3::text[])[a.actual + 1] AS label,
         ($3::text[])[a.predicted + 1] AS a, ($4::text[])[b.predicted + 1] AS b, a.score AS score_a, b.score AS score_b
       FROM evaluation_prediction a
       JOIN evaluation_prediction b ON b.evaluation_id = $2 AND b.sha256 = a.sha256 AND b.light = a.light
       JOIN dataset_item i ON i.version_id = $5 AND i.sha256 = a.sha256
       WHERE a.evaluation_id = $1 AND (a.sha256, a.light) > ($6, $7) AND ($8::smallint IS NULL OR $8 = ANY (a.conditions))
         AND ($9::int IS NULL OR width_bucket(a.width::float8, $10::float8[]) = $9)
       ORDER BY a.sha256, a.light LIMIT ${PAGE}`,
      [
        ...[a.uuid, b.uuid, a.classes, b.classes, a.datasetVersionUuid, after, light],
        ...[condition === null ? null : conditionNames.indexOf(condition), sizeBin, protocol.sizeBounds],
      ],
    );
    for (const row of rows) addLight(sets, classes, row);
    if (rows.length < PAGE) return sets;
    ({ sha256: after, light } = rows.at(-1)!);
  }
}

function addLight([a, b]: [StateSet, StateSet], classes: string[], row: PairedLight): void {
  const unit = row.drive === null ? `image ${row.sha256}` : `drive ${row.drive}`;
  const label = classes.indexOf(row.label);
  // A model that has diverged has scores that are no numbers: it is sure of nothing.
  const sure = (score: number) => (Number.isFinite(score) ? score : 0);
  a.add({ label, predicted: classes.indexOf(row.a), confidence: sure(row.score_a) }, unit);
  b.add({ label, predicted: classes.indexOf(row.b), confidence: sure(row.score_b) }, unit);
}
