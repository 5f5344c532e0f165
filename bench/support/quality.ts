/** Quality by cell as one would write it by hand, to check what is timed. */
import type { DataSource } from 'typeorm';
import { LearningTask } from '../../src/catalog/vocabulary.js';
import { scopeOf } from '../../src/experiments/evaluate/scope.js';
import { unpackMatches } from '../../src/training/statistics/detection/index.js';
import type { EvaluatedProject } from './evaluated.js';
import { DIMENSION_SQL } from './groupBy.js';
import { unlimited } from './unlimited.js';

/** JSON of the keys → lights and those that are right. */
export type ByHand = Map<string, { n: number; correct: number }>;

const KEY: Record<string, string> = {
  ...DIMENSION_SQL,
  PLACE: 't.place_id::text',
  HAS_LIGHT: "'YES'",
  LIGHT_COLOR: "box.light->>'color'",
  LIGHT_SIZE: DIMENSION_SQL.LIGHT_SIZE!.replaceAll('a.width', "(box.light->>'width')::float8"),
  CONDITION: 'v.condition_names[member + 1]',
};

export async function qualityByHand(
  db: DataSource,
  { versionUuid, evaluations }: EvaluatedProject,
  task: LearningTask,
  by: readonly string[],
): Promise<ByHand> {
  const uuid = evaluations[task];
  const right = await rightOf(db, uuid, task);
  return unlimited(db, async (runner) => {
    const rows: { keys: (string | null)[]; sha256: string; light: number }[] = await runner.query(
      `SELECT ARRAY[${by.map((dimension) => KEY[dimension]).join(', ')}]::text[] AS keys, t.sha256, place - 1 AS light
       FROM dataset_item t JOIN dataset_version v ON v.id = t.version_id LEFT JOIN place p ON p.id = t.place_id
       CROSS JOIN jsonb_array_elements(t.annotations) WITH ORDINALITY box (light, place)
       ${by.includes('CONDITION') ? 'LEFT JOIN LATERAL unnest(t.conditions) member ON true' : ''}
       WHERE t.version_id = $1 AND t.split = 'TEST' AND t.lights > 0 AND box.light->>'category' = 'TRAFFIC_LIGHT'
         AND box.light->>'color' <> 'UNKNOWN'`,
      [versionUuid],
    );
    const found: ByHand = new Map();
    for (const { keys, sha256, light } of rows) {
      const key = JSON.stringify(keys);
      const cell = found.get(key) ?? { n: 0, correct: 0 };
      found.set(key, { n: cell.n + 1, correct: cell.correct + (right.has(`${sha256}:${light}`) ? 1 : 0) });
    }
    return found;
  });
}

const known = new Map<string, Set<string>>();

/** Ids of the lights that the model got right. */
async function rightOf(db: DataSource, uuid: string, task: LearningTask): Promise<Set<string>> {
  const before = known.get(uuid);
  if (before) return before;
  const right = new Set<string>();
  known.set(uuid, right);
  if (task === LearningTask.LIGHT_STATE) {
    const rows: { sha256: string; light: number }[] = await db.query(
      'SELECT sha256, light FROM evaluation_prediction WHERE evaluation_id = $1 AND actual = predicted',
      [uuid],
    );
    for (const { sha256, light } of rows) right.add(`${sha256}:${light}`);
    return right;
  }
  const { protocol } = await scopeOf(db, uuid);
  const rows: { sha256: string; lights: number[]; matches: Buffer }[] = await db.query(
    'SELECT sha256, lights, matches FROM evaluation_image WHERE evaluation_id = $1',
    [uuid],
  );
  for (const { sha256, lights, matches } of rows)
    unpackMatches(matches, protocol.iouThresholds.length).truths.forEach(({ foundAs }, at) => {
      if (foundAs !== null && at < lights.length) right.add(`${sha256}:${lights[at]}`);
    });
  return right;
}

/** @throws when a cell differs */
export function sameCells(
  by: readonly string[],
  cells: { keys: (string | null)[]; figures: { n: number; value: number | null } }[],
  expected: ByHand,
): void {
  const judged = cells.filter(({ figures }) => figures.n > 0);
  for (const { keys, figures } of judged) {
    const { n = 0, correct = 0 } = expected.get(JSON.stringify(keys)) ?? {};
    if (n !== figures.n || correct !== Math.round(figures.value! * figures.n))
      throw new Error(
        `${by.join(' × ')} ${keys.join(', ')}: ${JSON.stringify(figures)}, and by hand ${correct} of ${n}`,
      );
  }
  if (judged.length !== expected.size)
    throw new Error(`${by.join(' × ')}: ${judged.length} cells, and by hand ${expected.size}`);
}
