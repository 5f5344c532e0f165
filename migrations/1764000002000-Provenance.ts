import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Conditions with provenance: each project says which source wins, every source's own value stays, and where sources
 * disagree is stored with the image. Why a trigger and no longer generated columns: docs/decisions/0007.
 */
export class Provenance1764000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const SOURCES = "ARRAY['LABEL', 'PERIOD', 'DERIVED', 'SENSOR']";
const RESOLVED = ['weather', 'weather_source', 'time_of_day', 'time_of_day_source', 'scene', 'scene_source'];

/** The value of the source that was chosen. */
const chosen = (name: string, sources: string[]) =>
  `CASE NEW.${name}_source ${sources
    .map((source) => `WHEN '${source.toUpperCase()}' THEN NEW.${name}_${source}`)
    .join(' ')} END`;

const UP = [
  `ALTER TABLE project
    ADD weather_precedence text[] NOT NULL DEFAULT '{LABEL,PERIOD}' CHECK (weather_precedence <@ ${SOURCES}),
    -- The sun before the pixels: a tunnel at noon is dark, and it is still day.
    ADD time_of_day_precedence text[] NOT NULL DEFAULT '{LABEL,DERIVED,SENSOR}'
      CHECK (time_of_day_precedence <@ ${SOURCES}),
    ADD scene_precedence text[] NOT NULL DEFAULT '{LABEL}' CHECK (scene_precedence <@ ${SOURCES}),
    ADD darkness_precedence text[] NOT NULL DEFAULT '{SENSOR,DERIVED}' CHECK (darkness_precedence <@ ${SOURCES})`,
  ...RESOLVED.map((column) => `ALTER TABLE image ALTER COLUMN ${column} DROP EXPRESSION`),
  `ALTER TABLE image
    -- As it was given, where it was given without an offset: the place's time zone makes it recorded_at.
    ADD recorded_local timestamp(3),
    ADD darkness_sensor double precision CHECK (darkness_sensor BETWEEN 0 AND 1),
    ADD darkness_source text,
    ALTER COLUMN darkness DROP NOT NULL`,
  "UPDATE image SET darkness_sensor = darkness, darkness_source = 'SENSOR'",
  /**
   * The first source in order that says something definite; if all that say something say UNDEFINED, the first of
   * those; null if none says anything.
   */
  `CREATE FUNCTION resolving_source(precedence text[], label text, period text, derived text, sensor text)
    RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
  DECLARE source text; value text; undefined_source text;
  BEGIN
    FOREACH source IN ARRAY precedence LOOP
      value := CASE source WHEN 'LABEL' THEN label WHEN 'PERIOD' THEN period WHEN 'DERIVED' THEN derived ELSE sensor END;
      IF value <> 'UNDEFINED' THEN RETURN source; END IF;
      IF value = 'UNDEFINED' AND undefined_source IS NULL THEN undefined_source := source; END IF;
    END LOOP;
    RETURN undefined_source;
  END $$`,
  // Between the medians of photos by day (0.34, sun above 6°) and by night (0.94, below −6°) in a straight line; it
  // crosses the sensor's own threshold, 0.64, where the sun crosses the horizon. See picture/darkness.ts.
  `CREATE FUNCTION darkness_of_sun(altitude double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN altitude IS NOT NULL THEN 0.64 - 0.05 * greatest(-6, least(6, altitude)) END $$`,
  `CREATE FUNCTION image_resolve() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE p record;
  BEGIN
    -- Locked: a precedence that is being changed is waited for, so an image resolves by the old one and is recomputed,
    -- or by the new one; never by neither.
    SELECT weather_precedence AS weather, time_of_day_precedence AS time_of_day, scene_precedence AS scene,
      darkness_precedence AS darkness INTO p FROM project WHERE id = NEW.project_id FOR KEY SHARE;
    IF NOT FOUND THEN RETURN NEW; END IF; -- The foreign key will say so.
    NEW.weather_source := resolving_source(p.weather, NEW.weather_label, NEW.weather_period, NULL, NULL);
    NEW.weather := ${chosen('weather', ['label', 'period'])};
    NEW.time_of_day_source := resolving_source(
      p.time_of_day, NEW.time_of_day_label, NULL, NEW.time_of_day_derived, NEW.time_of_day_sensor);
    NEW.time_of_day := ${chosen('time_of_day', ['label', 'derived', 'sensor'])};
    NEW.scene_source := resolving_source(p.scene, NEW.scene_label, NULL, NULL, NULL);
    NEW.scene := ${chosen('scene', ['label'])};
    NEW.darkness_source := resolving_source(
      p.darkness, NULL, NULL, NEW.sun_altitude::text, NEW.darkness_sensor::text);
    NEW.darkness := CASE NEW.darkness_source WHEN 'SENSOR' THEN NEW.darkness_sensor
      WHEN 'DERIVED' THEN darkness_of_sun(NEW.sun_altitude) END;
    RETURN NEW;
  END $$`,
  // Also when somebody sets a resolved column: it is set right again.
  `CREATE TRIGGER image_resolve BEFORE INSERT OR UPDATE OF project_id, weather_label, weather_period, time_of_day_label,
    time_of_day_derived, time_of_day_sensor, scene_label, sun_altitude, darkness_sensor, ${RESOLVED.join(', ')},
    darkness, darkness_source
    ON image FOR EACH ROW EXECUTE FUNCTION image_resolve()`,
  // Steps on a scale on which neighbours are easily taken for each other: sleet, a veil of cloud, a long dusk.
  `CREATE FUNCTION weather_rank(weather text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE weather WHEN 'CLEAR' THEN 0 WHEN 'PARTLY_CLOUDY' THEN 1 WHEN 'OVERCAST' THEN 2
      WHEN 'RAIN' THEN 3 WHEN 'SNOW' THEN 3 WHEN 'FOG' THEN 3 END $$`,
  `CREATE FUNCTION time_of_day_rank(time_of_day text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE time_of_day WHEN 'DAY' THEN 0 WHEN 'DAWN_DUSK' THEN 1 WHEN 'NIGHT' THEN 2 END $$`,
  // Whatever the precedence: a source that lost still disagrees.
  `ALTER TABLE image
    ADD weather_conflict smallint NOT NULL GENERATED ALWAYS AS (
      CASE WHEN weather_label <> weather_period AND weather_label <> 'UNDEFINED' AND weather_period <> 'UNDEFINED'
        THEN greatest(1, abs(weather_rank(weather_label) - weather_rank(weather_period))) ELSE 0 END) STORED,
    ADD time_of_day_conflict smallint NOT NULL GENERATED ALWAYS AS (coalesce(
      greatest(time_of_day_rank(time_of_day_label), time_of_day_rank(time_of_day_derived), time_of_day_rank(time_of_day_sensor))
      - least(time_of_day_rank(time_of_day_label), time_of_day_rank(time_of_day_derived), time_of_day_rank(time_of_day_sensor)),
      0)) STORED`,
  // Partial: most images are at peace, and an index of those few costs an import next to nothing.
  `CREATE INDEX image_conflict ON image (project_id, greatest(weather_conflict, time_of_day_conflict), id)
    WHERE greatest(weather_conflict, time_of_day_conflict) > 0`,
];

/** The expressions that the columns were generated by in the first version. */
const coalesced = (...columns: string[]) =>
  `coalesce(${columns.map((column) => `nullif(${column}, 'UNDEFINED')`).join(', ')}, ${columns.join(', ')})`;
const sourceOf = (...sources: [column: string, source: string][]) =>
  `CASE ${sources.map(([column, source]) => `WHEN ${column} <> 'UNDEFINED' THEN '${source}'`).join(' ')}
    ${sources.map(([column, source]) => `WHEN ${column} IS NOT NULL THEN '${source}'`).join(' ')} END`;
const generated = (column: string, expression: string) =>
  `ALTER TABLE image ADD ${column} text GENERATED ALWAYS AS (${expression}) STORED`;

const DOWN = [
  'DROP TRIGGER image_resolve ON image',
  'DROP INDEX image_conflict',
  // No source at all: the first version knew pixels only, and every image had them.
  'UPDATE image SET darkness = 0 WHERE darkness IS NULL',
  `ALTER TABLE image DROP weather_conflict, DROP time_of_day_conflict, DROP recorded_local, DROP darkness_sensor,
    DROP darkness_source, ALTER COLUMN darkness SET NOT NULL`,
  ...RESOLVED.map((column) => `ALTER TABLE image DROP COLUMN ${column}`),
  generated('weather', coalesced('weather_label', 'weather_period')),
  generated('weather_source', sourceOf(['weather_label', 'LABEL'], ['weather_period', 'PERIOD'])),
  generated('time_of_day', coalesced('time_of_day_label', 'time_of_day_derived', 'time_of_day_sensor')),
  generated(
    'time_of_day_source',
    sourceOf(
      ['time_of_day_label', 'LABEL'],
      ['time_of_day_derived', 'DERIVED'],
      ['time_of_day_sensor', 'SENSOR'],
    ),
  ),
  generated('scene', 'scene_label'),
  generated('scene_source', "CASE WHEN scene_label IS NOT NULL THEN 'LABEL' END"),
  'DROP FUNCTION image_resolve, resolving_source, darkness_of_sun, weather_rank, time_of_day_rank',
  `ALTER TABLE project DROP weather_precedence, DROP time_of_day_precedence, DROP scene_precedence,
    DROP darkness_precedence`,
];
