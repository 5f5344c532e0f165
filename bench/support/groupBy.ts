/** The straightforward cross-tab: one GROUP BY over the joined tables, as one would write it by hand. */
import type { DataSource } from 'typeorm';
import { compileWhere, Parameters, type Where } from '../../src/graphql/list/where.js';
import { imageFields } from '../../src/catalog/image/imageFields.js';

const local = (part: string) => `to_char(t.recorded_at AT TIME ZONE p.time_zone, '${part}')`;

export const DIMENSION_SQL: Record<string, string> = {
  WEATHER: 't.weather',
  TIME_OF_DAY: 't.time_of_day',
  SCENE: 't.scene',
  COUNTRY: 'p.country',
  PREFECTURE: 'p.prefecture',
  CITY: 'p.city',
  PLACE: 'p.id::text',
  HOUR: local('HH24'),
  MONTH: local('MM'),
  HAS_LIGHT: "CASE WHEN t.traffic_lights > 0 THEN 'YES' WHEN t.traffic_lights = 0 THEN 'NO' END",
  LIGHT_COLOR: 'a.color',
  LIGHT_SIZE:
    "CASE WHEN a.width < 8 THEN '<8' WHEN a.width < 16 THEN '8-16' WHEN a.width < 32 THEN '16-32' ELSE '>=32' END",
};

export interface SlowCell {
  keys: (string | null)[];
  images: number;
  places: number;
  drives: number;
}

export function groupBy(
  db: DataSource,
  projectUuid: string,
  by: string[],
  where: Where | null = null,
): Promise<SlowCell[]> {
  const parameters = new Parameters();
  const project = parameters.add(projectUuid, 'uuid');
  const keys = by.map((dimension) => DIMENSION_SQL[dimension]);
  const lights = by.some((dimension) => dimension.startsWith('LIGHT_'));
  return db.query(
    `/* bench.groupBy */ SELECT ARRAY[${keys.join(', ')}] AS keys, count(${lights ? 'DISTINCT t.id' : '*'})::int AS images,
       count(DISTINCT t.place_id)::int AS places, count(DISTINCT t.drive)::int AS drives
     FROM image t LEFT JOIN place p ON p.id = t.place_id
       ${lights ? "JOIN annotation a ON a.image_id = t.id AND a.source = t.counts_source AND a.category = 'TRAFFIC_LIGHT'" : ''}
     WHERE t.project_id = ${project} AND ${compileWhere(imageFields(), where, { parameters })}
     GROUP BY ${keys.join(', ')}`,
    parameters.values,
  );
}
