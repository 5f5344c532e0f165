/** Which evaluations are compared: the newest that both have of the same data by the same protocol. */
import type { DataSource } from 'typeorm';
import type { Split } from '../../catalog/vocabulary.js';
import { parseGlobalId } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import { experimentUuid } from '../../experiments/experimentService.js';
import { judges } from '../../experiments/weights.js';
import { modelVersionUuid } from '../version/reference.js';

export interface Choice {
  datasetVersionUuid: string | null;
  /** Null: the test split if both have it. */
  split: Split | null;
  protocolUuid: string | null;
}

/** An evaluation, an experiment's BEST weights or logged predictions, or a model version: UUIDs name one of them only. */
const evaluationsOf = (subject: string) =>
  `SELECT evaluation_id FROM model_version_evaluation WHERE version_id = ${subject}
   UNION ALL SELECT id FROM evaluation e WHERE experiment_id = ${subject} AND ${judges('e')}
   UNION ALL SELECT id FROM evaluation WHERE id = ${subject}`;

/** UUIDs of the evaluations of a and b. @throws ShingoError NOT_FOUND, NOT_COMPARABLE */
export async function chooseEvaluations(
  db: DataSource,
  a: string,
  b: string,
  { datasetVersionUuid, split, protocolUuid }: Choice,
): Promise<[a: string, b: string]> {
  const subjects = [await subjectUuid(db, a, 'a'), await subjectUuid(db, b, 'b')];
  const rows: { a: string; b: string }[] = await db.query(
    `/* compare.choose */ SELECT a.id AS a, b.id AS b FROM evaluation a JOIN evaluation b
       ON b.dataset_version_id = a.dataset_version_id AND b.split = a.split AND b.protocol_id = a.protocol_id
     WHERE a.id IN (${evaluationsOf('$1')}) AND b.id IN (${evaluationsOf('$2')})
       AND a.state = 'SUCCEEDED' AND b.state = 'SUCCEEDED' AND ($3::uuid IS NULL OR a.dataset_version_id = $3)
       AND ($4::text IS NULL OR a.split = $4) AND ($5::uuid IS NULL OR a.protocol_id = $5)
     ORDER BY a.split = 'TEST' DESC, b.finished_at DESC, a.finished_at DESC, b.id DESC, a.id DESC LIMIT 1`,
    [...subjects, datasetVersionUuid, split, protocolUuid],
  );
  if (rows[0]) return [rows[0].a, rows[0].b];
  throw new ShingoError(
    'NOT_COMPARABLE',
    'a and b have no finished evaluations of the same data set version, split and protocol; start those that are missing.',
    409,
    ['b'],
  );
}

/** @throws ShingoError NOT_FOUND, INVALID_ID, EXPERIMENT_DELETED */
async function subjectUuid(db: DataSource, id: string, field: string): Promise<string> {
  const parsed = parseGlobalId(id);
  if (parsed?.type === 'Experiment') return experimentUuid(db, id, [field]);
  if (parsed?.type !== 'Evaluation') return modelVersionUuid(db, id, [field]);
  const rows: unknown[] = await db.query('/* compare.subject */ SELECT 1 FROM evaluation WHERE id = $1', [
    parsed.uuid,
  ]);
  if (rows.length > 0) return parsed.uuid;
  throw new ShingoError('NOT_FOUND', 'There is no such evaluation.', 404, [field]);
}
