import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Indexes that pages of images in any order, and searches for the few among a million, are found by. */
export class Search1764100001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

/** As graphql/list writes it: a missing value is the largest. */
const orLargest = (column: string, largest: string) => `coalesce(${column}, ${largest})`;
const LARGEST_INT = '9223372036854775807';

/** What images can be sorted by, beside recorded_at, which has its index. */
const ORDERS: Record<string, string> = {
  file_name: 'file_name',
  darkness: orLargest('darkness', "'Infinity'"),
  brightness: orLargest('brightness', "'Infinity'"),
  people: orLargest('people', LARGEST_INT),
  cars: orLargest('cars', LARGEST_INT),
  traffic_lights: orLargest('traffic_lights', LARGEST_INT),
  conflict: 'greatest(weather_conflict, time_of_day_conflict)',
};

const UP = [
  'CREATE EXTENSION IF NOT EXISTS pg_trgm',
  'DROP INDEX image_conflict',
  ...Object.entries(ORDERS).map(
    ([name, expression]) => `CREATE INDEX image_${name} ON image (project_id, (${expression}), id)`,
  ),
  // NFKC: a Mac writes が as two characters, and ＡＢＣ is ABC; of ASCII it is the text itself, which is quicker to see
  // than to make. Not STRICT: then it would not be inlined, and a million names took 2.9 s, not 0.5.
  `CREATE FUNCTION search_folded(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN octet_length($1) = length($1) THEN lower($1) ELSE lower(normalize($1, NFKC)) END`,
  'CREATE INDEX image_search ON image USING gin (search_folded(file_name) gin_trgm_ops)',
  `CREATE INDEX place_search ON place USING gin (
    search_folded(country || E'\\n' || prefecture || E'\\n' || city || E'\\n' || name) gin_trgm_ops)`,
  'CREATE INDEX image_position ON image (project_id, latitude, longitude) WHERE latitude IS NOT NULL',
  'CREATE INDEX image_unlocated ON image (place_id) WHERE latitude IS NULL',
  'CREATE INDEX image_conditions ON image (project_id, weather, time_of_day)',
  'CREATE INDEX image_scene ON image (project_id, scene)',
  'CREATE INDEX image_drive ON image (project_id, drive)',
  'CREATE INDEX annotation_kind ON annotation (category, width) INCLUDE (image_id)',
  'CREATE INDEX annotation_color ON annotation (color, width) INCLUDE (image_id) WHERE color IS NOT NULL',
];

const DOWN = [
  'DROP INDEX annotation_kind, annotation_color, image_search, place_search, image_position, image_unlocated',
  'DROP INDEX image_conditions, image_scene, image_drive',
  `DROP INDEX ${Object.keys(ORDERS)
    .map((name) => `image_${name}`)
    .join(', ')}`,
  `CREATE INDEX image_conflict ON image (project_id, greatest(weather_conflict, time_of_day_conflict), id)
    WHERE greatest(weather_conflict, time_of_day_conflict) > 0`,
  'DROP FUNCTION search_folded',
];
