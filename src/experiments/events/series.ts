/**
 * A series: all points of one name, split, condition and class. It has its number once a project, however many
 * experiments log it, so that a hundred thousand experiments of 500 series share 500 names.
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { NewMetric } from './event.js';

export type SeriesName = Pick<NewMetric, 'name' | 'split' | 'condition' | 'class'>;

/** An id of this is stable and cheap; no text that PostgreSQL stores holds NUL. */
export const seriesKey = ({ name, split, condition, class: of }: SeriesName): string =>
  `${name}\0${split ?? ''}\0${condition ?? ''}\0${of ?? ''}`;

/** Numbers of the series by their keys; those that are new to the project are made. Two statements, three with new ones. */
export async function seriesIds(
  db: DataSource | EntityManager,
  projectUuid: string,
  wanted: ReadonlyMap<string, SeriesName>,
): Promise<Map<string, number>> {
  const found = await select(db, projectUuid, wanted);
  if (found.size === wanted.size) return found;
  const missing = new Map([...wanted].filter(([key]) => !found.has(key)));
  await insert(db, projectUuid, missing);
  // Again, by a newer snapshot: who lost the race for a name sees the winner's.
  return new Map([...found, ...(await select(db, projectUuid, missing))]);
}

function columns(wanted: ReadonlyMap<string, SeriesName>): (string | null)[][] {
  // In one order everywhere: two that make the same names at once wait for each other, never in a circle.
  const series = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  return [
    series.map((one) => one.name),
    series.map((one) => one.split),
    series.map((one) => one.condition),
    series.map((one) => one.class ?? null),
  ];
}

async function select(
  db: DataSource | EntityManager,
  projectUuid: string,
  wanted: ReadonlyMap<string, SeriesName>,
): Promise<Map<string, number>> {
  const rows: (SeriesName & { id: number })[] = await db.query(
    `/* series.find */ SELECT s.id, s.name, s.split, s.condition, s.class
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS w(name, split, condition, class)
       JOIN metric_series s ON s.project_id = $1 AND s.name = w.name AND s.split IS NOT DISTINCT FROM w.split
         AND s.condition IS NOT DISTINCT FROM w.condition AND s.class IS NOT DISTINCT FROM w.class`,
    [projectUuid, ...columns(wanted)],
  );
  return new Map(rows.map((row) => [seriesKey(row), row.id]));
}

async function insert(
  db: DataSource | EntityManager,
  projectUuid: string,
  missing: ReadonlyMap<string, SeriesName>,
): Promise<void> {
  await db.query(
    `/* series.create */ INSERT INTO metric_series (project_id, name, split, condition, class)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING`,
    [projectUuid, ...columns(missing)],
  );
}
