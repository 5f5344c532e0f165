/** The lights that one model got right and the other wrong, page by page. */
import type { DataSource } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { ShingoError } from '../../platform/error.js';
import { unpackMatches } from '../../training/statistics/detection/index.js';
import { ChangedLight, ChangedLights, ComparisonSide } from './comparison.js';
import { relabelled } from './detections.js';
import type { Pair } from './pair.js';

export interface ChangedFilter {
  /** Null: any. */
  condition: string | null;
  class: string | null;
  right: ComparisonSide | null;
  first: number;
  after: string | null;
}

interface Place {
  sha256: string;
  light: number;
}

interface Page {
  lights: ChangedLight[];
  /** Where to go on; null: that was all. */
  next: Place | null;
}

const MAX_FIRST = 500;

/** By SHA-256 and light. A page may be short of `first` and yet not the last. @throws ShingoError BAD_USER_INPUT, … */
export async function changedLights(
  db: DataSource,
  pair: Pair,
  filter: ChangedFilter,
): Promise<ChangedLights> {
  const { first, condition } = filter;
  if (first < 1 || first > MAX_FIRST)
    throw new ShingoError('BAD_USER_INPUT', `first is 1 to ${MAX_FIRST} lights.`, 400, ['first']);
  if (condition !== null && !pair.conditionNames.includes(condition))
    throw new ShingoError(
      'CONDITION_UNKNOWN',
      `There is no condition ${JSON.stringify(condition.slice(0, 100))} here.`,
    );
  const after = placeOf(filter.after);
  const read = pair.task === LearningTask.LIGHT_DETECTION ? changedDetections : changedStates;
  const { lights, next } = await read(db, pair, filter, after);
  const cursor = (place: Place) => Buffer.from(`${place.sha256}:${place.light}`).toString('base64url');
  return Object.assign(new ChangedLights(), {
    nodes: lights,
    pageInfo: {
      hasNextPage: next !== null,
      hasPreviousPage: filter.after !== null,
      startCursor: lights[0] ? cursor(lights[0]) : null,
      endCursor: next ? cursor(next) : lights.length > 0 ? cursor(lights.at(-1)!) : null,
    },
  });
}

function placeOf(cursor: string | null): Place {
  if (cursor === null) return { sha256: '', light: -1 };
  const [, sha256, light] =
    /^([0-9a-f]{64}):(-?\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (sha256 === undefined)
    throw new ShingoError('INVALID_CURSOR', 'This cursor is not from this list; start without one.');
  return { sha256, light: Number(light) };
}

type Row = Place & {
  image_id: string;
  conditions: number[];
  label: string;
  a: string | null;
  b: string | null;
};

function lightOf({ conditionNames }: Pair, { image_id, conditions, ...row }: Row): ChangedLight {
  return Object.assign(new ChangedLight(), row, {
    imageUuid: image_id,
    conditions: conditions.map((place) => conditionNames[place] as string),
    right: row.a === row.label ? ComparisonSide.A : ComparisonSide.B,
  });
}

async function changedStates(db: DataSource, pair: Pair, filter: ChangedFilter, after: Place): Promise<Page> {
  const { a, b, conditionNames } = pair;
  const rows: Row[] = await db.query(
    `/* compare.changedStates */ SELECT * FROM (
       SELECT a.sha256, a.light, i.image_id, a.conditions, ($3::text[])[a.actual + 1] AS label,
         ($3::text[])[a.predicted + 1] AS a, ($4::text[])[b.predicted + 1] AS b
       FROM evaluation_prediction a
       JOIN evaluation_prediction b ON b.evaluation_id = $2 AND b.sha256 = a.sha256 AND b.light = a.light
       JOIN dataset_item i ON i.version_id = $5 AND i.sha256 = a.sha256
       WHERE a.evaluation_id = $1 AND (a.sha256, a.light) > ($6, $7)
         AND ($8::smallint IS NULL OR $8 = ANY (a.conditions))) row
     WHERE (a = label) <> (b = label) AND ($9::text IS NULL OR label = $9)
       AND ($10::text IS NULL OR ($10 = 'A') = (a = label))
     ORDER BY sha256, light LIMIT $11`,
    [
      ...[a.uuid, b.uuid, a.classes, b.classes, a.datasetVersionUuid, after.sha256, after.light],
      ...[
        filter.condition === null ? null : conditionNames.indexOf(filter.condition),
        filter.class,
        filter.right,
      ],
      filter.first + 1,
    ],
  );
  const lights = rows.slice(0, filter.first).map((row) => lightOf(pair, row));
  return { lights, next: rows.length > filter.first ? (lights.at(-1) as Place) : null };
}

const IMAGES = 500;
/** Images that are looked through for one page: two models that agree on a million must not hold a request for ever. */
const MOST_IMAGES = 20_000;

async function changedDetections(
  db: DataSource,
  pair: Pair,
  filter: ChangedFilter,
  after: Place,
): Promise<Page> {
  const lights: ChangedLight[] = [];
  let place = after;
  for (let seen = 0; seen < MOST_IMAGES; seen += IMAGES) {
    const rows = await imagesFrom(db, pair, filter, place);
    for (const row of rows) {
      for (const light of changedOf(pair, filter, row)) {
        if (row.sha256 === place.sha256 && light.light <= place.light) continue;
        if (lights.length === filter.first) return { lights, next: lights.at(-1) as Place };
        lights.push(light);
      }
    }
    if (rows.length < IMAGES) return { lights, next: null };
    place = { sha256: rows.at(-1)!.sha256, light: 999_999_999 };
  }
  return { lights, next: place };
}

interface ImageRow {
  sha256: string;
  image_id: string;
  conditions: number[];
  lights: number[];
  a: Buffer;
  b: Buffer;
}

/** From the image of the place on, which may have more lights. */
async function imagesFrom(
  db: DataSource,
  { a, b, conditionNames }: Pair,
  { condition }: ChangedFilter,
  { sha256 }: Place,
): Promise<ImageRow[]> {
  return db.query(
    `/* compare.changedImages */ SELECT a.sha256, i.image_id, a.conditions, a.lights, a.matches AS a, b.matches AS b
     FROM evaluation_image a JOIN evaluation_image b ON b.evaluation_id = $2 AND b.sha256 = a.sha256
     JOIN dataset_item i ON i.version_id = $3 AND i.sha256 = a.sha256
     WHERE a.evaluation_id = $1 AND a.sha256 >= $4 AND ($5::smallint IS NULL OR $5 = ANY (a.conditions))
     ORDER BY a.sha256 LIMIT ${IMAGES}`,
    [
      a.uuid,
      b.uuid,
      a.datasetVersionUuid,
      sha256,
      condition === null ? null : conditionNames.indexOf(condition),
    ],
  );
}

/** Right is found, and in its own colour. */
function changedOf(pair: Pair, filter: ChangedFilter, row: ImageRow): ChangedLight[] {
  const { a, b, classes, protocol } = pair;
  const [ofA, ofB] = (
    [
      ['a', a.classes],
      ['b', b.classes],
    ] as const
  ).map(
    ([side, from]) =>
      relabelled(unpackMatches(row[side], protocol.iouThresholds.length), from, classes).truths,
  );
  const name = (label: number | null | undefined) => (label == null ? null : (classes[label] as string));
  const { sha256, image_id, conditions } = row;
  return row.lights.flatMap((light, at) => {
    const label = name(ofA?.[at]?.label) as string;
    const changed = lightOf(pair, {
      ...{ sha256, image_id, conditions, light, label },
      ...{ a: name(ofA?.[at]?.foundAs), b: name(ofB?.[at]?.foundAs) },
    });
    const differs = (changed.a === label) !== (changed.b === label);
    const wanted = filter.class === null || filter.class === label;
    return differs && wanted && (filter.right ?? changed.right) === changed.right ? [changed] : [];
  });
}
