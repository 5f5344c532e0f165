/** Curves, errors and calibration of slices: read only where they are asked for, as they are 10 kB each. */
import type { DataSource } from 'typeorm';
import type { Loaders } from '../graphql/context.js';
import { ColorConfusionCell, ErrorSplit, PrecisionRecallCurve, ReliabilityBin } from './cell.js';
import type { DetectionDetails, StateDetails } from './evaluate/details.js';
import type { EvaluationCondition } from './evaluation.js';

type Details = Partial<DetectionDetails & StateDetails>;

/** Null: evaluated before they were kept. */
export async function detailsOf(
  load: Loaders,
  db: DataSource,
  { evaluationUuid, position }: EvaluationCondition,
): Promise<Details | null> {
  const loader = load.batch('evaluation.details', (keys) => selectDetails(db, keys));
  return loader.load(`${evaluationUuid} ${position}`);
}

async function selectDetails(db: DataSource, keys: readonly string[]): Promise<(Details | null)[]> {
  const pairs = keys.map((key) => key.split(' ') as [string, string]);
  const rows: { key: string; details: Details | null }[] = await db.query(
    `/* evaluation.details */ SELECT evaluation_id || ' ' || position AS key, details FROM evaluation_condition
     WHERE (evaluation_id, position) IN (SELECT * FROM unnest($1::uuid[], $2::smallint[]))`,
    [pairs.map(([uuid]) => uuid), pairs.map(([, position]) => Number(position))],
  );
  const found = new Map(rows.map(({ key, details }) => [key, details]));
  return keys.map((key) => found.get(key) ?? null);
}

const made = <T extends object>(type: new () => T, fields: T): T => Object.assign(new type(), fields);

export const curvesOf = (details: Details | null): PrecisionRecallCurve[] | null =>
  details?.curves?.map((curve) => made(PrecisionRecallCurve, curve)) ?? null;

export const reliabilityOf = (details: Details | null): ReliabilityBin[] | null =>
  details?.reliability?.map((bin) => made(ReliabilityBin, bin)) ?? null;

export function errorsOf(details: Details | null): ErrorSplit | null {
  if (!details?.errors) return null;
  const { CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND, MISSED } = details.errors;
  return made(ErrorSplit, {
    ...{ classification: CLASSIFICATION, localisation: LOCALISATION, both: BOTH },
    ...{ duplicate: DUPLICATE, background: BACKGROUND, missed: MISSED },
  });
}

export function colorConfusionOf(classes: string[], details: Details | null): ColorConfusionCell[] | null {
  const { confusion } = details ?? {};
  if (!confusion) return null;
  const names = [...classes, null];
  return names.flatMap((actual, row) =>
    names.flatMap((found, column) =>
      actual === null && found === null
        ? []
        : made(ColorConfusionCell, { actual, found, count: confusion[row]?.[column] ?? 0 }),
    ),
  );
}
