/**
 * A series: all points of one name, split, condition and class. It has its number once a project, however many
 * experiments log it, so that a hundred thousand experiments of 500 series share 500 names.
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { NewMetric } from './event.js';

export type SeriesName = Pick<NewMetric, 'name' | 'split' | 'condition' | 'class'>;
type Db = DataSource | EntityManager;
type Wanted = ReadonlyMap<string, SeriesName>;

/** No text that PostgreSQL stores holds NUL. */
export const seriesKey = ({ name, split, condition, class: of }: SeriesName): string =>
  `${name}\0${split ?? ''}\0${condition ?? ''}\0${of ?? ''}`;

/** Their numbers, in their order; those that are new to the project are made. One statement, three with new ones. */
export async function seriesIds(
  db: Db,
  projectUuid: string,
  series: readonly SeriesName[],
): Promise<number[]> {
  const wanted = new Map(series.map((one) => [seriesKey(one), one]));
  const found = await select(db, projectUuid, wanted);
  const missing = new Map([...wanted].filter(([key]) => !found.has(key)));
  if (missing.size > 0) {
    await insert(db, projectUuid, missing);
    // By a newer snapshot: who lost the race for a name sees the winner's.
    for (const [key, id] of await select(db, projectUuid, missing)) found.set(key, id);
  }
  return series.map((one) => found.get(seriesKey(one))!);
}

const MAX_REMEMBERED = 50_000;
const remembered = new WeakMap<DataSource, Map<string, number>>();

/**
 * The same, and keeps what it has found: a series never changes its number. Outside any transaction, since what one
 * that is rolled back has made would be remembered.
 */
export async function rememberedSeriesIds(
  db: DataSource,
  projectUuid: string,
  series: readonly SeriesName[],
): Promise<number[]> {
  let known = remembered.get(db);
  if (!known) remembered.set(db, (known = new Map<string, number>()));
  const keys = series.map((one) => `${projectUuid}\0${seriesKey(one)}`);
  const ids = keys.map((key) => known.get(key));
  if (ids.every((id) => id !== undefined)) return ids;
  const found = await seriesIds(db, projectUuid, series);
  if (known.size + found.length > MAX_REMEMBERED) known.clear();
  for (const [index, key] of keys.entries()) known.set(key, found[index]!);
  return found;
}

function columns(wanted: Wanted): (string | null)[][] {
  // In one order everywhere: two that make the same names at once wait for each other, never in a circle.
  const series = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  return [
    series.map((one) => one.name),
    series.map((one) => one.split),
    series.map((one) => one.condition),
    series.map((one) => one.class ?? null),
  ];
}

async function select(db: Db, projectUuid: string, wanted: Wanted): Promise<Map<string, number>> {
  const rows: (SeriesName & { id: number })[] = await db.query(
    `/* series.find */ SELECT s.id, s.name, s.split, s.condition, s.class
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS w(name, split, condition, class)
       JOIN metric_series s ON s.project_id = $1 AND s.name = w.name AND s.split IS NOT DISTINCT FROM w.split
         AND s.condition IS NOT DISTINCT FROM w.condition AND s.class IS NOT DISTINCT FROM w.class`,
    [projectUuid, ...columns(wanted)],
  );
  return new Map(rows.map((row) => [seriesKey(row), row.id]));
}

async function insert(db: Db, projectUuid: string, missing: Wanted): Promise<void> {
  await db.query(
    `/* series.create */ INSERT INTO metric_series (project_id, name, split, condition, class)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING`,
    [projectUuid, ...columns(missing)],
  );
}
