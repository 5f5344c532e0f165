/** Answers on their way to the predictions file: each is put to its light, and every light of the split has one. */
import { ShingoError } from '../../platform/error.js';
import { invalid } from '../../datasets/formats/read/problem.js';
import { BOXES } from '../../jobs/lights.js';
import type { Scope } from '../evaluate/scope.js';
import type { Stage } from './stage.js';

/** Lights of every split, numbered as a COCO export of the version numbers its annotations. */
const LIGHTS = `INSERT INTO predicted_light
  SELECT item.sha256, item.split = $2, place - 1, item.before + place, coalesce(light->>'color', 'UNKNOWN'),
    (light->>'x')::float8, (light->>'y')::float8, (light->>'width')::float8, (light->>'height')::float8
  FROM (SELECT v.sha256, v.split, v.annotations, sum(boxes) OVER (ORDER BY v.image_id) - boxes AS before
    FROM dataset_item v CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(v.annotations) = 'array'
      THEN jsonb_array_length(v.annotations) ELSE 0 END AS boxes) counted
    WHERE v.version_id = $1) item
  CROSS JOIN LATERAL ${BOXES} WHERE light->>'category' = 'TRAFFIC_LIGHT'`;

/** Formats round boxes, by half a pixel at most. */
const NEAR = 0.5;
const SIDES = ['x', 'y', 'width', 'height'];
const OFF = SIDES.map((side) => `abs(l.${side} - p.${side})`);

/** Of a box the nearest light, if each of its sides is near enough. */
const ANSWERS = `CREATE TEMP TABLE predicted_answer AS
  SELECT p.seq, p.label, p.score, p.position, m.sha256 AS image, found.*
  FROM predicted p LEFT JOIN predicted_image m ON m.key = p.key
  LEFT JOIN LATERAL (
    SELECT l.sha256, l.split, l.light, l.color FROM predicted_light l
    WHERE l.annotation = p.annotation
    UNION ALL SELECT l.sha256, l.split, l.light, l.color FROM predicted_light l
    WHERE l.sha256 = m.sha256 AND l.light = p.light
    UNION ALL (SELECT l.sha256, l.split, l.light, l.color FROM predicted_light l
      WHERE l.sha256 = m.sha256 AND p.x IS NOT NULL AND ${OFF.map((off) => `${off} <= ${NEAR}`).join(' AND ')}
      ORDER BY ${OFF.join(' + ')}, l.light LIMIT 1)
  ) found ON true
  WHERE p.label IS NOT NULL`;

/**
 * Puts every answer to its light.
 * @throws ShingoError LABELS_INVALID: there is no such light, or it has an answer already
 */
export async function matchLights({ runner }: Stage, { versionUuid, split }: Scope): Promise<void> {
  await runner.query(
    `CREATE TEMP TABLE predicted_light (sha256 text, split boolean, light int, annotation int, color text,
       x float8, y float8, width float8, height float8)`,
  );
  await runner.query(`/* predictions.lights */ ${LIGHTS}`, [versionUuid, split]);
  await runner.query(
    'CREATE INDEX ON predicted_light (sha256, light); CREATE INDEX ON predicted_light (annotation); ANALYZE predicted_light',
  );
  await runner.query(`/* predictions.answers */ ${ANSWERS}`);
  await runner.query('CREATE INDEX ON predicted_answer (sha256, light); ANALYZE predicted_answer');
  await refuseStrange(runner);
  await refuseTwice(runner);
}

type Runner = Stage['runner'];

/** Lenient or not: an answer to no light shows that the labels are others. */
async function refuseStrange(runner: Runner): Promise<void> {
  const rows: { position: string; annotation: number | null; light: number | null; lights: number[] }[] =
    await runner.query(
      `/* predictions.strange */ SELECT a.position, p.annotation, p.light, ARRAY(
         SELECT l.light FROM predicted_light l WHERE l.sha256 = a.image ORDER BY l.light LIMIT 20) AS lights
       FROM predicted_answer a JOIN predicted p ON p.seq = a.seq
       WHERE a.sha256 IS NULL AND (a.image IS NOT NULL OR p.annotation IS NOT NULL) ORDER BY a.seq LIMIT 1`,
    );
  const [row] = rows;
  if (!row) return;
  const { position, annotation, light, lights } = row;
  if (annotation !== null)
    throw invalid(position, `annotation ${annotation} is no light of a COCO export of this version`);
  const what = light === null ? `no light within ${NEAR} px of this box` : `no light ${light}`;
  throw invalid(position, `the image has ${what}; its lights are ${lights.join(', ') || 'none'}`);
}

async function refuseTwice(runner: Runner): Promise<void> {
  const rows: { position: string; before: string }[] = await runner.query(
    `/* predictions.twice */ SELECT position, before FROM (
       SELECT seq, position, lag(position) OVER (PARTITION BY sha256, light ORDER BY seq) AS before
       FROM predicted_answer WHERE sha256 IS NOT NULL) answers
     WHERE before IS NOT NULL ORDER BY seq LIMIT 1`,
  );
  const [row] = rows;
  if (row) throw invalid(row.position, `this light has an answer already, at ${row.before}`);
}

export interface LightCounts {
  /** Of the split, with a known colour. */
  lights: number;
  /** Images of the split with an answer. */
  images: number;
  /** Of the lights, without an answer. */
  missing: number;
  example: { name: string; light: number } | null;
  /** Answers to lights whose colour nobody could tell. */
  unlabelled: number;
  otherSplits: number;
  onUnknown: number;
}

export async function countAnswers({ runner }: Stage): Promise<LightCounts> {
  const [row]: LightCounts[] = await runner.query(
    `/* predictions.answered */ WITH missing AS (
       SELECT l.sha256, l.light FROM predicted_light l WHERE l.split AND l.color <> 'UNKNOWN'
         AND NOT EXISTS (SELECT 1 FROM predicted_answer a WHERE a.sha256 = l.sha256 AND a.light = l.light)
     )
     SELECT (SELECT count(*)::int FROM predicted_light WHERE split AND color <> 'UNKNOWN') AS lights,
       (SELECT count(*)::int FROM missing) AS missing,
       (SELECT json_build_object('name', i.name, 'light', m.light) FROM missing m
        JOIN predicted_item i ON i.sha256 = m.sha256 ORDER BY i.id, m.light LIMIT 1) AS example,
       count(DISTINCT sha256) FILTER (WHERE split)::int AS images,
       count(*) FILTER (WHERE split AND color = 'UNKNOWN')::int AS unlabelled,
       count(*) FILTER (WHERE NOT split)::int AS "otherSplits",
       count(*) FILTER (WHERE sha256 IS NULL)::int AS "onUnknown"
     FROM predicted_answer`,
  );
  return row as LightCounts;
}

/** A light left out would make the figures look better, or worse, than the model is. @throws ShingoError PREDICTIONS_INCOMPLETE */
export function requireAnswers({ lights, missing, example }: LightCounts, { split }: Scope): void {
  if (missing === 0) return;
  const which = `light ${example?.light} of ${JSON.stringify(example?.name)}`;
  const message = `${missing} of the ${lights} lights of the ${split} split have no answer, such as ${which}; each needs one.`;
  throw new ShingoError('PREDICTIONS_INCOMPLETE', message, 409, ['uploadId']);
}

const PAGE = 5_000;

export interface AnsweredLight {
  sha256: string;
  light: number;
  color: string;
  label: number;
  score: number | null;
}

/** Every light of the split whose colour is known. */
export async function* answeredLights({ runner }: Stage): AsyncGenerator<AnsweredLight, void> {
  for (let [after, light] = ['', -1]; ;) {
    const rows: AnsweredLight[] = await runner.query(
      `/* predictions.page */ SELECT sha256, light, color, label, score FROM predicted_answer
       WHERE split AND color <> 'UNKNOWN' AND (sha256, light) > ($1, $2) ORDER BY sha256, light LIMIT ${PAGE}`,
      [after, light],
    );
    yield* rows;
    if (rows.length < PAGE) return;
    ({ sha256: after, light } = rows.at(-1)!);
  }
}
