/** Recall by cell: which lights a detector has found, read off the matches that the evaluation has stored. */
import type { DataSource } from 'typeorm';
import { CoverageDimension } from '../catalog/coverage/coverage.js';
import { LIGHT_SIZES } from '../catalog/coverage/columns/columns.js';
import { imageRows, type ImageRow } from '../experiments/evaluate/outcomes.js';
import { scopeOf, type Scope } from '../experiments/evaluate/scope.js';
import { unpackMatches } from '../training/statistics/detection/index.js';
import { IMAGE_KEY, isOfImage, keyOf, type CellTally, type Quality } from './keys.js';

interface FrameRow extends ImageRow {
  /** Of the dimensions of images, in their order. */
  keys: (string | null)[];
  widths: number[];
}

/** A page of images at a time. Right is: found at IoU 0.5 and the protocol's score threshold, whatever its colour. */
export async function detectionQuality(
  db: DataSource,
  evaluationUuid: string,
  by: readonly CoverageDimension[],
): Promise<Quality> {
  const scope = await scopeOf(db, evaluationUuid);
  const ofImages = by.filter(isOfImage);
  const tallies = new Map<string, CellTally>();
  const overall = { n: 0, correct: 0 };
  const more = {
    columns: `, ARRAY[${ofImages.map((dimension) => IMAGE_KEY[dimension]).join(', ')}]::text[] AS keys,
      ARRAY(SELECT (i.annotations->light->>'width')::float8 FROM unnest(e.lights) WITH ORDINALITY o(light, at) ORDER BY at) AS widths`,
    joins: `LEFT JOIN place l ON l.id = i.place_id`,
    values: [],
  };
  for await (const row of imageRows<FrameRow>(db, scope, 'sha256', more)) {
    const { truths } = unpackMatches(row.matches, scope.protocol.iouThresholds.length);
    row.lights.forEach((_, at) => {
      const { label, foundAs } = truths[at]!;
      overall.n += 1;
      if (foundAs !== null) overall.correct += 1;
      for (const keys of keysOf(scope, by, row, label, row.widths[at]!)) {
        const tally = tallies.get(keyOf(keys)) ?? { keys, n: 0, correct: 0 };
        tally.n += 1;
        if (foundAs !== null) tally.correct += 1;
        tallies.set(keyOf(keys), tally);
      }
    });
  }
  return { cells: [...tallies.values()], overall };
}

/** One cell, or one for each of its conditions. */
function keysOf(
  { classes, conditions }: Scope,
  by: readonly CoverageDimension[],
  row: FrameRow,
  label: number,
  width: number,
): (string | null)[][] {
  const ofImages = by.filter(isOfImage);
  const members = by.includes(CoverageDimension.CONDITION)
    ? row.conditions.map((index) => conditions[index]?.name ?? null)
    : [null];
  return (members.length > 0 ? members : [null]).map((condition) =>
    by.map((dimension) => {
      if (dimension === CoverageDimension.CONDITION) return condition;
      if (dimension === CoverageDimension.LIGHT_COLOR) return classes[label] ?? null;
      if (dimension === CoverageDimension.LIGHT_SIZE) return sizeOf(width);
      if (dimension === CoverageDimension.HAS_LIGHT) return 'YES';
      return row.keys[ofImages.indexOf(dimension)] ?? null;
    }),
  );
}

/** LIGHT_SIZES: under 8, 16 and 32 pixels, and the rest. */
const sizeOf = (width: number): string =>
  LIGHT_SIZES[[8, 16, 32].filter((bound) => width >= bound).length] ?? '';
