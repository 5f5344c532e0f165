/** What became of each light of an evaluation: what two models are compared by. */
import type { DataSource, EntityManager } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { unpackMatches } from '../../training/statistics/detection/index.js';
import { scopeOf, type Scope } from './scope.js';

type Db = DataSource | EntityManager;

export interface Outcome {
  sha256: string;
  /** Its index in the annotations of its image. */
  light: number;
  label: number;
  /** Indices of the version's conditions. */
  conditions: number[];
  drive: string | null;
  /** In its class: of a detection at IoU 0.5 and the protocol's score threshold. */
  right: boolean;
  /** Null: not found. */
  predicted: number | null;
}

/** Images a page: 500 of 20 lights and 25 detections are 0.5 MB. */
const PAGE = 500;

/**
 * By SHA-256 and light, both rising, whatever the task; only lights that count.
 * @throws ShingoError NOT_FOUND
 */
export async function* outcomesOf(db: Db, evaluationUuid: string): AsyncGenerator<Outcome, void> {
  const scope = await scopeOf(db, evaluationUuid);
  yield* scope.task === LearningTask.LIGHT_DETECTION ? ofDetections(db, scope) : ofLights(db, scope);
}

export interface ImageRow {
  sha256: string;
  position: number;
  conditions: number[];
  drive: string | null;
  lights: number[];
  matches: Buffer;
}

/** Further columns, and what they are joined from to `e` and its dataset_item `i`; parameters from FIRST_OF_MORE on. */
export interface More {
  columns: string;
  joins: string;
  values: unknown[];
}

/**
 * What is said of e.sha256 is said of i.sha256 again: PostgreSQL does not see that they are equal in an inequality, and a
 * merge join would begin with the version's first item for every page: reading the
 * evaluated fifth of a million images took 147 s.
 * @param by position: as they were matched, which figures go by where scores are equal
 */
export async function* imageRows<R extends ImageRow>(
  db: Db,
  { uuid, versionUuid }: Scope,
  by: 'sha256' | 'position',
  more: More = NOTHING,
): AsyncGenerator<R, void> {
  for (let after: string | number = by === 'sha256' ? '' : -1; ;) {
    const rows: R[] = await db.query(
      `/* evaluation.images */ SELECT e.sha256, e.position, e.conditions, e.drive, e.lights, e.matches ${more.columns}
       FROM evaluation_image e JOIN dataset_item i ON i.version_id = $4 AND i.sha256 = e.sha256 ${more.joins}
       WHERE e.evaluation_id = $1 AND e.${by} > $2 ${by === 'sha256' ? 'AND i.sha256 > $2' : ''}
       ORDER BY e.${by} LIMIT $3`,
      [uuid, after, PAGE, versionUuid, ...more.values],
    );
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)![by];
  }
}

export const FIRST_OF_MORE = 5;
const NOTHING: More = { columns: '', joins: '', values: [] };

async function* ofDetections(db: Db, scope: Scope): AsyncGenerator<Outcome, void> {
  const thresholds = scope.protocol.iouThresholds.length;
  for await (const { sha256, conditions, drive, lights, matches } of imageRows(db, scope, 'sha256')) {
    const { truths } = unpackMatches(matches, thresholds);
    for (const [at, light] of lights.entries()) {
      const { label, foundAs } = truths[at]!;
      yield { sha256, light, label, conditions, drive, right: foundAs === label, predicted: foundAs };
    }
  }
}

export interface LightRow {
  sha256: string;
  light: number;
  conditions: number[];
  drive: string | null;
  actual: number;
  predicted: number;
  score: number;
  width: number | null;
}

const LIGHTS = 5_000;

/** In the order of SHA-256 and light; `e` is evaluation_prediction. */
export async function* lightRows<R extends LightRow>(
  db: Db,
  { uuid, versionUuid }: Scope,
  more: More = NOTHING,
): AsyncGenerator<R, void> {
  for (let [after, light] = ['', -1]; ;) {
    const rows: R[] = await db.query(
      `/* evaluation.lights */ SELECT e.sha256, e.light, e.conditions, i.drive, e.actual, e.predicted, e.score, e.width
         ${more.columns}
       FROM evaluation_prediction e JOIN dataset_item i ON i.version_id = $4 AND i.sha256 = e.sha256 ${more.joins}
       WHERE e.evaluation_id = $1 AND (e.sha256, e.light) > ($2, $3) AND i.sha256 >= $2 ORDER BY e.sha256, e.light LIMIT ${LIGHTS}`,
      [uuid, after, light, versionUuid, ...more.values],
    );
    yield* rows;
    if (rows.length < LIGHTS) return;
    ({ sha256: after, light } = rows.at(-1)!);
  }
}

async function* ofLights(db: Db, scope: Scope): AsyncGenerator<Outcome, void> {
  for await (const { sha256, light, conditions, drive, actual, predicted } of lightRows(db, scope))
    yield { sha256, light, label: actual, conditions, drive, right: actual === predicted, predicted };
}
