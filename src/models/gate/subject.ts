/** What a version is judged by: its rules, for each the evaluation that counts, and the champion's beside it. */
import { createHash } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { CHAMPION } from '../alias/alias.js';
import { GateRule } from './rule.js';

export interface RuleSubject {
  rule: GateRule;
  /** Null: there is none that is finished. */
  evaluationUuid: string | null;
  /** The champion's, of the same data set version, split and protocol. */
  baselineUuid: string | null;
  /** Of the evaluation's protocol. */
  minimumN: number | null;
}

export interface GateSubject {
  /** Taken away, it counts until there is another: else whoever takes it away first could do as they like. */
  championUuid: string | null;
  rules: RuleSubject[];
  /** When this was so, by the clock of the database, as is every other time that is kept. */
  at: Date;
  /** Two subjects with one basis are judged alike: evaluations never change once they are finished. */
  basis: string;
}

/** The newest finished one of `version` under `terms`. */
const newest = (version: string, terms: string) => `SELECT e.*, p.minimum_n FROM model_version_evaluation of
    JOIN evaluation e ON e.id = of.evaluation_id JOIN evaluation_protocol p ON p.id = e.protocol_id
    JOIN dataset_version d ON d.id = e.dataset_version_id
    WHERE of.version_id = ${version} AND e.state = 'SUCCEEDED' AND e.split = r.split AND ${terms}
    ORDER BY e.finished_at DESC, e.id DESC LIMIT 1`;

/** One statement, whatever the number of rules. @throws ShingoError NOT_FOUND */
export async function subjectOf(db: DataSource | EntityManager, versionUuid: string): Promise<GateSubject> {
  const rows: ({
    _champion: string | null;
    _evaluation: string | null;
    _baseline: string | null;
    _minimum: number | null;
    _at: Date;
    id: string | null;
  } & Record<string, unknown>)[] = await db.query(
    `/* gate.subject */ SELECT ${columnsOf(db, GateRule, 'r')}, champion.version_id AS "_champion",
       own.id AS "_evaluation", own.minimum_n AS "_minimum", base.id AS "_baseline",
       clock_timestamp() AS "_at"
     FROM model_version v JOIN model m ON m.id = v.model_id
     LEFT JOIN LATERAL (
       SELECT coalesce(to_id, from_id) AS version_id FROM model_alias_change
       WHERE model_id = m.id AND alias = $2 ORDER BY seq DESC LIMIT 1) champion ON true
     LEFT JOIN gate_rule r ON r.project_id = m.project_id AND r.task = v.task
       AND (r.model_id IS NULL OR r.model_id = m.id)
     LEFT JOIN LATERAL (${newest('v.id', 'd.dataset_id = r.dataset_id AND p.name = r.protocol')}) own ON true
     LEFT JOIN LATERAL (${newest(
       'champion.version_id',
       'd.id = own.dataset_version_id AND p.id = own.protocol_id',
     )}) base ON r.bound = 'NOT_WORSE'
     WHERE v.id = $1 ORDER BY r.name`,
    [versionUuid, CHAMPION],
  );
  const [first] = rows;
  if (!first) throw new ShingoError('NOT_FOUND', 'There is no such model version.', 404, ['modelVersionId']);
  const rules = rows
    .filter((row) => row.id !== null)
    .map((row) => ({
      rule: hydrate(db, GateRule, row),
      evaluationUuid: row._evaluation,
      baselineUuid: row._baseline,
      minimumN: row._minimum,
    }));
  const championUuid = first._champion;
  const content = JSON.stringify([versionUuid, championUuid, rules]);
  return { championUuid, rules, at: first._at, basis: createHash('sha256').update(content).digest('hex') };
}

/** @throws ShingoError NOT_FOUND */
export const basisOf = async (db: DataSource | EntityManager, versionUuid: string): Promise<string> =>
  (await subjectOf(db, versionUuid)).basis;
