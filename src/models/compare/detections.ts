/** Differences of two evaluations of LIGHT_DETECTION. */
import type { DataSource } from 'typeorm';
import { detectionProtocol } from '../../experiments/evaluate/detections.js';
import {
  DetectionSet,
  bootstrapDifferences,
  unpackMatches,
  type Cell,
  type DetectionMetric,
  type ImageMatches,
} from '../../training/statistics/detection/index.js';
import { differenceOfCell, resampling } from './bootstrap.js';
import { zOf, type Pair } from './pair.js';
import { count, noCounts, ruleOf, shareDifference, type Rule } from './share.js';
import type { Difference, Slice } from './slice.js';

/** In the order of the slices. Each condition is read once, and only its images are in memory. */
export async function detectionDifferences(
  db: DataSource,
  pair: Pair,
  slices: readonly Slice[],
): Promise<Difference[]> {
  const found = new Map<Slice, Difference>();
  for (const [condition, group] of Map.groupBy(slices, (slice) => slice.condition)) {
    const sets = await setsOf(db, pair, condition);
    const drawn: Slice[] = [];
    for (const slice of group) {
      const rule = ruleOf(pair.task, slice);
      if (rule)
        found.set(slice, shareDifference(slice, countsOf(pair, sets, slice, rule), zOf(pair.protocol)));
      else drawn.push(slice);
    }
    if (drawn.length === 0) continue;
    const cells = drawn.map((slice) => cellOf(pair, sets[0], slice));
    const differences = await bootstrapDifferences(...sets, cells, resampling(pair, slices.length));
    differences.forEach((one, at) => found.set(drawn[at]!, differenceOfCell(drawn[at]!, one)));
  }
  return slices.map((slice) => found.get(slice)!);
}

const PAGE = 500;

interface PairedImage {
  position: number;
  drive: string | null;
  a: Buffer;
  b: Buffer;
}

/** Both with the same images, in the order of a's. */
async function setsOf(
  db: DataSource,
  { a, b, classes, protocol, conditionNames }: Pair,
  condition: string | null,
): Promise<[DetectionSet, DetectionSet]> {
  const by = detectionProtocol(protocol);
  const sets: [DetectionSet, DetectionSet] = [
    new DetectionSet(by, classes.length),
    new DetectionSet(by, classes.length),
  ];
  const thresholds = protocol.iouThresholds.length;
  const place = condition === null ? null : conditionNames.indexOf(condition);
  for (let after = -1; ;) {
    const rows: PairedImage[] = await db.query(
      `/* compare.images */ SELECT a.position, a.drive, a.matches AS a, b.matches AS b FROM evaluation_image a
       JOIN evaluation_image b ON b.evaluation_id = $2 AND b.sha256 = a.sha256
       WHERE a.evaluation_id = $1 AND a.position > $3 AND ($4::smallint IS NULL OR $4 = ANY (a.conditions))
       ORDER BY a.position LIMIT ${PAGE}`,
      [a.uuid, b.uuid, after, place],
    );
    for (const row of rows) {
      sets[0].add(relabelled(unpackMatches(row.a, thresholds), a.classes, classes), row.drive);
      sets[1].add(relabelled(unpackMatches(row.b, thresholds), b.classes, classes), row.drive);
    }
    if (rows.length < PAGE) return sets;
    after = rows.at(-1)!.position;
  }
}

/** Two frameworks may number the same classes otherwise. */
export function relabelled(
  matches: ImageMatches,
  from: readonly string[],
  to: readonly string[],
): ImageMatches {
  if (from.every((name, label) => to[label] === name)) return matches;
  const label = (one: number) => to.indexOf(from[one] as string);
  return {
    truths: matches.truths.map((truth) => ({
      ...truth,
      label: label(truth.label),
      foundAs: truth.foundAs === null ? null : label(truth.foundAs),
    })),
    detections: matches.detections.map((one) => ({ ...one, label: label(one.label) })),
  };
}

const rangeOf = (set: DetectionSet, sizeBin: number | null): number =>
  sizeBin === null ? 0 : set.ranges.findIndex(({ kind, bin }) => kind === 'WIDTH' && bin === sizeBin);

function countsOf({ classes }: Pair, [a, b]: [DetectionSet, DetectionSet], { sizeBin }: Slice, rule: Rule) {
  const answers = (set: DetectionSet) => {
    const right: (boolean | null)[] = [];
    set.eachTruth(rangeOf(set, sizeBin), (_, label, foundAs) =>
      right.push(rule(classes[label] as string, classes[foundAs] ?? null)),
    );
    return right;
  };
  const [ofA, ofB] = [answers(a), answers(b)];
  const counts = noCounts();
  ofA.forEach((right, at) => count(counts, right, ofB[at] ?? null));
  return counts;
}

function cellOf({ classes }: Pair, set: DetectionSet, { metric, class: of, sizeBin }: Slice): Cell {
  const range = rangeOf(set, sizeBin);
  const label = of === null ? null : classes.indexOf(of);
  if (metric !== 'red_as_green') return { metric: metric as DetectionMetric, label, range };
  const [from, to] = [[classes.indexOf('RED')], [classes.indexOf('GREEN')]];
  return { metric: 'read_as', label: null, range, from, to };
}
