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

/**
 * What images can be sorted by, beside recorded_at, which has its index: a page anywhere among a million then takes 1 ms,
 * and without one it is a sort of a million rows. Measured on a million images, all indexes below cost 50 µs a row in an insert, beside
 * 25 µs without them: 9 each those in no order of arrival (darkness, brightness) and the one of words, 4 that of
 * positions, 1 or 2 each other. 56 MB each (file_name 82).
 */
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
  // 46 MB. A word that is rare or absent: 10 ms, not 0.4 s.
  'CREATE INDEX image_search ON image USING gin (search_folded(file_name) gin_trgm_ops)',
  `CREATE INDEX place_search ON place USING gin (
    search_folded(country || E'\\n' || prefecture || E'\\n' || city || E'\\n' || name) gin_trgm_ops)`,
  // 47 MB. Box and circle: 5 ms. A GiST of points is 71 MB, takes three times as long to build, and was no faster: 2.4 ms
  // against 3.0 for a box 2° high, nothing to choose for smaller ones.
  'CREATE INDEX image_position ON image (project_id, latitude, longitude) WHERE latitude IS NOT NULL',
  // Images that are where their place is.
  'CREATE INDEX image_unlocated ON image (place_id) WHERE latitude IS NULL',
  // Without id, so that PostgreSQL keeps each value once: 7 MB each, 1 µs. Fog, 1 image in 500: 10 ms, not 400.
  'CREATE INDEX image_conditions ON image (project_id, weather, time_of_day)',
  'CREATE INDEX image_scene ON image (project_id, scene)',
  'CREATE INDEX image_drive ON image (project_id, drive)',
  // 254 MB for 4.4 million boxes, 5 µs each beside 5 µs without it. Rare boxes: 0.1 s; none of a category: 6 ms. A second
  // one by colour alone was no faster for another 4 µs.
  'CREATE INDEX annotation_kind ON annotation (category, color, width) INCLUDE (image_id)',
];

const DOWN = [
  'DROP INDEX annotation_kind, image_search, place_search, image_position, image_unlocated',
  'DROP INDEX image_conditions, image_scene, image_drive',
  `DROP INDEX ${Object.keys(ORDERS)
    .map((name) => `image_${name}`)
    .join(', ')}`,
  `CREATE INDEX image_conflict ON image (project_id, greatest(weather_conflict, time_of_day_conflict), id)
    WHERE greatest(weather_conflict, time_of_day_conflict) > 0`,
  'DROP FUNCTION search_folded',
];
