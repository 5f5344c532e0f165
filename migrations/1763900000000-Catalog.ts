import type { MigrationInterface, QueryRunner } from 'typeorm';

const IN = (values: string) =>
  values
    .split(' ')
    .map((value) => `'${value}'`)
    .join(', ');
const WEATHER = IN('CLEAR PARTLY_CLOUDY OVERCAST RAIN SNOW FOG UNDEFINED');
const TIME_OF_DAY = IN('DAY DAWN_DUSK NIGHT UNDEFINED');
const SCENE = IN('CITY_STREET RESIDENTIAL HIGHWAY TUNNEL PARKING_LOT GAS_STATION UNDEFINED');
const CATEGORY = IN('PERSON RIDER CAR TRUCK BUS TRAIN MOTORCYCLE BICYCLE TRAFFIC_LIGHT TRAFFIC_SIGN OTHER');

/**
 * The first definite value among the sources, in order of precedence; if every source that says something says
 * UNDEFINED, then UNDEFINED; null if none says anything. Generated columns: they cannot fall out of step.
 */
const resolved = (...columns: string[]) =>
  `coalesce(${columns.map((column) => `nullif(${column}, 'UNDEFINED')`).join(', ')}, ${columns.join(', ')})`;
const resolvedSource = (...sources: [column: string, source: string][]) =>
  'CASE ' +
  sources.map(([column, source]) => `WHEN ${column} <> 'UNDEFINED' THEN '${source}'`).join(' ') +
  ' ' +
  sources.map(([column, source]) => `WHEN ${column} IS NOT NULL THEN '${source}'`).join(' ') +
  ' END';

/** A trigger function that adds what changed to the object counts of the images it changed in. */
const countObjects = (
  name: string,
  change: string,
) => `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    -- In one order for everybody: two statements over the same images cannot wait for each other in a circle.
    PERFORM 1 FROM image WHERE id IN (SELECT image_id FROM (${change}) c) ORDER BY id FOR NO KEY UPDATE;
    WITH change AS (${change}), delta AS (
      SELECT image_id,
        coalesce(sum(n) FILTER (WHERE category IN ('PERSON', 'RIDER')), 0) AS people,
        coalesce(sum(n) FILTER (WHERE category = 'CAR'), 0) AS cars,
        coalesce(sum(n) FILTER (WHERE category = 'BICYCLE'), 0) AS bicycles,
        coalesce(sum(n) FILTER (WHERE category = 'BUS'), 0) AS buses,
        coalesce(sum(n) FILTER (WHERE category = 'TRAFFIC_LIGHT'), 0) AS traffic_lights
      FROM change GROUP BY image_id
    )
    UPDATE image SET
      people = coalesce(image.people, 0) + delta.people,
      cars = coalesce(image.cars, 0) + delta.cars,
      bicycles = coalesce(image.bicycles, 0) + delta.bicycles,
      buses = coalesce(image.buses, 0) + delta.buses,
      traffic_lights = coalesce(image.traffic_lights, 0) + delta.traffic_lights
    FROM delta WHERE image.id = delta.image_id;
    RETURN NULL;
  END $$`;

/**
 * Projects, places, weather periods, pictures, images, annotations, conditions. Times are timestamptz(3): milliseconds
 * are what the API shows, and a filter with a time that it showed must find that row.
 */
export class Catalog1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  'CREATE EXTENSION IF NOT EXISTS btree_gist',
  `CREATE TABLE project (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '',
    -- Orders the changes of the project's jobs for subscribers; see src/jobs/.
    job_seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE place (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    country text NOT NULL CHECK (length(country) BETWEEN 1 AND 200),
    prefecture text NOT NULL CHECK (length(prefecture) BETWEEN 1 AND 200),
    city text NOT NULL CHECK (length(city) BETWEEN 1 AND 200),
    -- A junction or a stretch of road within the city; empty where the city is all that is known.
    name text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
    time_zone text NOT NULL,
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, country, prefecture, city, name),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
  )`,
  `CREATE TABLE weather (
    id uuid PRIMARY KEY,
    place_id uuid NOT NULL REFERENCES place ON DELETE CASCADE,
    weather_name text NOT NULL CHECK (weather_name IN (${WEATHER})),
    start_time timestamptz(3) NOT NULL,
    -- Null: still going on.
    end_time timestamptz(3),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    CHECK (start_time < end_time),
    CONSTRAINT weather_no_overlap
      EXCLUDE USING gist (place_id WITH =, tstzrange(start_time, end_time, '[)') WITH &&)
  )`,
  // What the bytes themselves say, found once when they arrive; images of any project refer to it.
  `CREATE TABLE picture (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    media_type text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes > 0),
    width int NOT NULL CHECK (width > 0),
    height int NOT NULL CHECK (height > 0),
    darkness double precision NOT NULL CHECK (darkness BETWEEN 0 AND 1),
    brightness double precision NOT NULL CHECK (brightness BETWEEN 0 AND 1),
    created_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE image (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    place_id uuid REFERENCES place,
    sha256 text NOT NULL REFERENCES picture,
    file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 1000),
    width int NOT NULL,
    height int NOT NULL,
    recorded_at timestamptz(3),
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    drive text CHECK (length(drive) BETWEEN 1 AND 200),
    darkness double precision NOT NULL,
    brightness double precision NOT NULL,
    -- Degrees above the horizon at the image's position and time.
    sun_altitude double precision,
    weather_label text CHECK (weather_label IN (${WEATHER})),
    weather_period text CHECK (weather_period IN (${WEATHER})),
    time_of_day_label text CHECK (time_of_day_label IN (${TIME_OF_DAY})),
    time_of_day_derived text CHECK (time_of_day_derived IN (${TIME_OF_DAY})),
    -- Null for a crop of a single light: there is no sky in it to tell day from night by.
    time_of_day_sensor text CHECK (time_of_day_sensor IN (${TIME_OF_DAY})),
    scene_label text CHECK (scene_label IN (${SCENE})),
    weather text GENERATED ALWAYS AS (${resolved('weather_label', 'weather_period')}) STORED,
    weather_source text GENERATED ALWAYS AS (
      ${resolvedSource(['weather_label', 'LABEL'], ['weather_period', 'PERIOD'])}) STORED,
    -- The sun before the pixels: a tunnel at noon is dark, and it is still day.
    time_of_day text GENERATED ALWAYS AS (
      ${resolved('time_of_day_label', 'time_of_day_derived', 'time_of_day_sensor')}) STORED,
    time_of_day_source text GENERATED ALWAYS AS (
      ${resolvedSource(['time_of_day_label', 'LABEL'], ['time_of_day_derived', 'DERIVED'], ['time_of_day_sensor', 'SENSOR'])}
    ) STORED,
    scene text GENERATED ALWAYS AS (scene_label) STORED,
    scene_source text GENERATED ALWAYS AS (CASE WHEN scene_label IS NOT NULL THEN 'LABEL' END) STORED,
    -- Null: nobody has looked; 0: somebody looked and there is none. Kept by the trigger below.
    people int, cars int, bicycles int, buses int, traffic_lights int,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, sha256),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
  )`,
  'CREATE INDEX image_project_id ON image (project_id, id)',
  "CREATE INDEX image_recorded ON image (project_id, coalesce(recorded_at, 'infinity'), id)",
  'CREATE INDEX image_place_recorded ON image (place_id, recorded_at)',
  'CREATE INDEX image_sha256 ON image (sha256)',
  `CREATE TABLE annotation (
    id uuid PRIMARY KEY,
    image_id uuid NOT NULL REFERENCES image ON DELETE CASCADE,
    category text NOT NULL CHECK (category IN (${CATEGORY})),
    -- Pixels of the image, continuous: x + width is the right edge, so a one-pixel box has width 1.
    x double precision NOT NULL,
    y double precision NOT NULL,
    width double precision NOT NULL CHECK (width > 0 AND width < 'Infinity'),
    height double precision NOT NULL CHECK (height > 0 AND height < 'Infinity'),
    color text CHECK (color IN (${IN('RED YELLOW GREEN OFF UNKNOWN')})),
    arrows text[] NOT NULL DEFAULT '{}'
      CHECK (arrows <@ ARRAY[${IN('LEFT STRAIGHT RIGHT DIAGONAL_LEFT DIAGONAL_RIGHT')}]),
    role text CHECK (role IN (${IN('VEHICLE PEDESTRIAN COUNTDOWN')})),
    occluded boolean,
    truncated boolean,
    source text NOT NULL DEFAULT 'LABEL' CHECK (source IN ('LABEL', 'MODEL')),
    score double precision CHECK (score BETWEEN 0 AND 1),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    -- A colour on a car means nothing (BDD100K files have them): refused here, dropped by its importer.
    CHECK (category = 'TRAFFIC_LIGHT' OR (color IS NULL AND arrows = '{}' AND role IS NULL))
  )`,
  'CREATE INDEX annotation_image ON annotation (image_id, id)',
  // Statement-level with transition tables: one update of the images for a batch of 20,000 boxes, not 20,000.
  countObjects('annotation_inserted', 'SELECT image_id, category, 1 AS n FROM added'),
  countObjects('annotation_deleted', 'SELECT image_id, category, -1 AS n FROM removed'),
  countObjects(
    'annotation_updated',
    'SELECT image_id, category, 1 AS n FROM added UNION ALL SELECT image_id, category, -1 FROM removed',
  ),
  `CREATE TRIGGER annotation_inserted AFTER INSERT ON annotation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_inserted()`,
  `CREATE TRIGGER annotation_deleted AFTER DELETE ON annotation REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_deleted()`,
  `CREATE TRIGGER annotation_updated AFTER UPDATE ON annotation REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_updated()`,
  `CREATE TABLE condition (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$' AND name <> 'all'),
    description text NOT NULL DEFAULT '',
    version int NOT NULL DEFAULT 1,
    -- The ImageWhere of the current version, as the API takes it.
    filter jsonb NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, name)
  )`,
  // Every version that ever was: data set versions and evaluations keep pointing at the one they used.
  `CREATE TABLE condition_version (
    condition_id uuid NOT NULL REFERENCES condition ON DELETE CASCADE,
    version int NOT NULL,
    filter jsonb NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (condition_id, version)
  )`,
];

const DOWN = [
  'DROP TABLE condition_version, condition, annotation, image, picture, weather, place, project',
  'DROP FUNCTION annotation_inserted, annotation_updated, annotation_deleted',
];
