/** What an evaluation has stored of the same lights: the score and the use must not drift apart. */
import type { DataSource } from 'typeorm';
import type { Split } from '../../catalog/vocabulary.js';
import { matchDetections, type MatchedImage } from '../../experiments/evaluate/detections.js';
import { scopeOf } from '../../experiments/evaluate/scope.js';
import { unpackMatches } from '../../training/statistics/detection/index.js';
import { wilson } from '../../training/statistics/wilson.js';
import type { LightAnswer } from '../../training/variants/drift.js';

export interface EvaluationDrift {
  evaluationUuid: string;
  /** Labelled lights of the sample that the evaluation has seen as well. */
  n: number;
  changed: number;
  changedShare: number;
  changedUpper: number;
  /** Of the score of the class that both chose; it is stored with seven digits. Null: of detections it is not. */
  maxScoreDifference: number | null;
}

export interface Evaluated {
  experimentUuid: string;
  versionUuid: string;
  split: Split;
}

/** The newest evaluation of the BEST weights on this split. */
const NEWEST = `SELECT id FROM evaluation WHERE experiment_id = $1 AND dataset_version_id = $2 AND split = $3
  AND weights = 'BEST' AND state = 'SUCCEEDED' ORDER BY finished_at DESC, id DESC LIMIT 1`;

/** Null: there is no evaluation. */
export async function evaluatedLights(
  db: DataSource,
  { experimentUuid, versionUuid, split }: Evaluated,
  answers: readonly LightAnswer[],
): Promise<EvaluationDrift | null> {
  const rows: { id: string; key: string; predicted: number; score: number }[] = await db.query(
    `/* modelExport.evaluated */ WITH newest AS (${NEWEST})
     SELECT newest.id, p.sha256 || ':' || p.light AS key, p.predicted, p.score
     FROM newest JOIN evaluation_prediction p ON p.evaluation_id = newest.id
     JOIN unnest($4::text[], $5::int[]) wanted(sha256, light) ON wanted.sha256 = p.sha256 AND wanted.light = p.light`,
    [
      ...[experimentUuid, versionUuid, split],
      answers.map(({ id }) => id.split(':')[0]),
      answers.map(({ id }) => Number(id.split(':')[1])),
    ],
  );
  const [first] = rows;
  if (!first) return null;
  const stored = new Map(rows.map((row) => [row.key, row]));
  let [n, changed, largest] = [0, 0, 0];
  for (const { id, predicted, scores } of answers) {
    const known = stored.get(id);
    if (!known) continue;
    n += 1;
    if (known.predicted !== predicted) changed += 1;
    else largest = Math.max(largest, Math.abs((scores[predicted] ?? NaN) - known.score) || 0);
  }
  return {
    ...{ evaluationUuid: first.id, n, changed, maxScoreDifference: largest },
    ...{ changedShare: n === 0 ? 0 : changed / n, changedUpper: wilson(changed, n).upper },
  };
}

/**
 * Whether each labelled light is found, and in which colour, as the evaluation's own protocol has it.
 * @param file detections of the frames of the sample
 */
export async function evaluatedFrames(
  db: DataSource,
  { experimentUuid, versionUuid, split }: Evaluated,
  file: string,
): Promise<EvaluationDrift | null> {
  const [newest]: { id: string }[] = await db.query(`/* modelExport.newest */ ${NEWEST}`, [
    ...[experimentUuid, versionUuid, split],
  ]);
  if (!newest) return null;
  const scope = await scopeOf(db, newest.id);
  let [n, changed] = [0, 0];
  const batch: MatchedImage[] = [];
  const compare = async () => {
    const rows: { sha256: string; matches: Buffer }[] = await db.query(
      '/* modelExport.evaluatedFrames */ SELECT sha256, matches FROM evaluation_image WHERE evaluation_id = $1 AND sha256 = ANY ($2)',
      [newest.id, batch.map(({ sha256 }) => sha256)],
    );
    const stored = new Map(rows.map(({ sha256, matches }) => [sha256, matches]));
    for (const { sha256, lights, matches } of batch.splice(0)) {
      const known = stored.get(sha256);
      if (!known) continue;
      const { truths } = unpackMatches(known, scope.protocol.iouThresholds.length);
      n += lights.length;
      changed += lights.filter((_, at) => truths[at]!.foundAs !== matches.truths[at]!.foundAs).length;
    }
  };
  for await (const image of matchDetections(db, scope, file)) {
    batch.push(image);
    if (batch.length === IMAGES) await compare();
  }
  await compare();
  return {
    ...{ evaluationUuid: newest.id, n, changed, maxScoreDifference: null },
    ...{ changedShare: n === 0 ? 0 : changed / n, changedUpper: wilson(changed, n).upper },
  };
}

const IMAGES = 500;
