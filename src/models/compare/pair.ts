import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask } from '../../catalog/vocabulary.js';
import { Evaluation } from '../../experiments/evaluation.js';
import { EvaluationProtocol } from '../../experiments/protocol/protocol.js';
import { selectByKey, selectOne } from '../../graphql/select.js';
import { JobState } from '../../jobs/vocabulary.js';
import { ShingoError } from '../../platform/error.js';
import { normalQuantile } from '../../training/statistics/normal.js';

/** Two finished evaluations of the same truths by the same protocol. */
export interface Pair {
  a: Evaluation;
  b: Evaluation;
  task: LearningTask;
  protocol: EvaluationProtocol;
  /** Those of a, then those that only b tells apart. */
  classes: string[];
  /** Of the data set version; rows refer to them by their place. */
  conditionNames: string[];
  conditionVersions: number[];
}

/** @throws ShingoError NOT_FOUND, EVALUATION_UNFINISHED, NOT_COMPARABLE */
export async function pairOf(db: DataSource | EntityManager, aUuid: string, bUuid: string): Promise<Pair> {
  const found = await selectByKey(db, Evaluation, 'id', [aUuid, bUuid]);
  const [a, b] = [found.get(aUuid)?.[0], found.get(bUuid)?.[0]];
  if (!a || !b) throw new ShingoError('NOT_FOUND', 'There is no such evaluation.', 404, [a ? 'b' : 'a']);
  for (const [field, { state }] of Object.entries({ a, b })) {
    if (state === JobState.SUCCEEDED) continue;
    const message = `The evaluation of ${field} is ${state}; only one that SUCCEEDED has figures.`;
    throw new ShingoError('EVALUATION_UNFINISHED', message, 409, [field]);
  }
  const other = (
    [
      ['data set version', 'datasetVersionUuid'],
      ['split', 'split'],
      ['protocol', 'protocolUuid'],
    ] as const
  ).find(([, key]) => a[key] !== b[key]);
  if (other) {
    const message = `The two evaluations are of another ${other[0]} each; only answers to the same questions pair.`;
    throw new ShingoError('NOT_COMPARABLE', message, 409, ['b']);
  }
  const classes = [...new Set([...a.classes, ...b.classes])];
  return { a, b, task: a.task, classes, ...(await surroundings(db, a)) };
}

async function surroundings(
  db: DataSource | EntityManager,
  { protocolUuid, datasetVersionUuid }: Evaluation,
) {
  const protocol = (await selectOne(db, EvaluationProtocol, protocolUuid)) as EvaluationProtocol;
  const [version]: { names: string[]; versions: number[] }[] = await db.query(
    `/* compare.conditions */ SELECT condition_names AS names, condition_versions AS versions
     FROM dataset_version WHERE id = $1`,
    [datasetVersionUuid],
  );
  return { protocol, conditionNames: version?.names ?? [], conditionVersions: version?.versions ?? [] };
}

/** Two-sided, of the protocol's confidence. */
export const zOf = ({ confidence }: EvaluationProtocol): number => normalQuantile((1 + confidence) / 2);
