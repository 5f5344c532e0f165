/** What an evaluation has stored of the same lights: the score and the use must not drift apart. */
import type { DataSource } from 'typeorm';
import type { Split } from '../../catalog/vocabulary.js';
import { wilson } from '../../training/statistics/wilson.js';
import type { LightAnswer } from '../../training/variants/drift.js';

export interface EvaluationDrift {
  evaluationUuid: string;
  /** Lights of the sample that the evaluation has seen as well. */
  n: number;
  changed: number;
  changedShare: number;
  changedUpper: number;
  /** Of the score of the class that both chose; it is stored with seven digits. */
  maxScoreDifference: number;
}

/** Against the newest evaluation of the BEST weights on this split; null: there is none. */
export async function evaluationDrift(
  db: DataSource,
  experimentUuid: string,
  { versionUuid, split }: { versionUuid: string; split: Split },
  answers: readonly LightAnswer[],
): Promise<EvaluationDrift | null> {
  const rows: { id: string; key: string; predicted: number; score: number }[] = await db.query(
    `/* modelExport.evaluated */ WITH newest AS (
       SELECT id FROM evaluation WHERE experiment_id = $1 AND dataset_version_id = $2 AND split = $3
         AND weights = 'BEST' AND state = 'SUCCEEDED' ORDER BY finished_at DESC, id DESC LIMIT 1)
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
