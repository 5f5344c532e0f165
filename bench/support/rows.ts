/**
 * A project of many images in a PostgreSQL of the benchmark's own: rows only, made by SQL from one seed, with BDD100K's
 * mix of weather (69,863 training frames; see bench/README.md), thousands of places, drives of 50 frames, boxes.
 */
import { rm } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import { folderOfCluster } from './folder.js';
import { createProject } from '../../src/catalog/project/projectService.js';
import { parseConfig } from '../../src/platform/config.js';
import { migrate } from '../../src/platform/database/dataSource.js';
import { startEmbeddedPostgres } from '../../src/platform/database/embedded.js';
import { connectDatabase } from '../../src/service.js';
import { unlimited } from './unlimited.js';

export interface BenchDatabase {
  db: DataSource;
  url: string;
  stop: () => Promise<void>;
}

/** An empty, migrated database on a server of its own. Without fsync: no figure here is about the disk. */
export async function openBenchDatabase(): Promise<BenchDatabase> {
  const folder = await folderOfCluster();
  const server = await startEmbeddedPostgres(folder, false);
  const db = await connectDatabase(parseConfig({}), server.url, 'bench');
  await migrate(db);
  return {
    db,
    url: server.url,
    stop: async () => {
      await db.destroy();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One of `values` by their weights, from a number r in [0, 1), as SQL. */
function drawn(r: string, weights: Record<string, number>): string {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  let below = 0;
  const cases = Object.entries(weights).map(([value, weight]) => {
    below += weight / total;
    return `WHEN ${r} < ${below} THEN ${value === 'null' ? 'NULL' : `'${value}'`}`;
  });
  return `CASE ${cases.join(' ')} ELSE NULL END`;
}

const WEATHER = {
  ...{ CLEAR: 37344, OVERCAST: 8770, UNDEFINED: 8119, SNOW: 5549, RAIN: 5070, PARTLY_CLOUDY: 4881, FOG: 130 },
  null: 2000,
};
const TIME_OF_DAY = { DAY: 36728, NIGHT: 27971, DAWN_DUSK: 5027, UNDEFINED: 137, null: 1000 };
const SCENE = {
  ...{ CITY_STREET: 43516, HIGHWAY: 17379, RESIDENTIAL: 8074, PARKING_LOT: 377, UNDEFINED: 361 },
  ...{ TUNNEL: 129, GAS_STATION: 27, null: 2000 },
};
const COLOR = { RED: 40, GREEN: 45, YELLOW: 4, OFF: 3, UNKNOWN: 5, null: 3 };
const PLACES = 5000;
const FRAMES_OF_DRIVE = 50;
const BATCH = 100_000;

/** Returns the UUID of the project. About 40 s for a million images on 2 cores. */
export async function fillProject(
  db: DataSource,
  images: number,
  say: (line: string) => void,
): Promise<string> {
  const project = await createProject(db, { name: `bench-${images}` });
  const started = performance.now();
  await unlimited(db, async (runner) => {
    await runner.query("SET work_mem = '256MB'; SELECT setseed(0.42)");
    // Rows are made whole, so the triggers that would complete them have nothing to do.
    await runner.query('SET session_replication_role = replica');
    await runner.query(
      `INSERT INTO place (id, project_id, country, prefecture, city, name, time_zone, latitude, longitude)
       SELECT uuidv7(), $1, CASE WHEN n % 5 = 0 THEN 'Germany' ELSE 'Japan' END, 'Prefecture ' || n % 47,
         'City ' || n % 500, 'Junction ' || n, CASE WHEN n % 5 = 0 THEN 'Europe/Berlin' ELSE 'Asia/Tokyo' END,
         24 + 21 * random(), 123 + 23 * random() FROM generate_series(0, ${PLACES - 1}) n`,
      [project.uuid],
    );
    await runner.query(
      'CREATE TEMP TABLE numbered AS SELECT row_number() OVER (ORDER BY id) - 1 AS nth, * FROM place',
    );
    await runner.query('CREATE INDEX ON numbered (nth)');
    for (let start = 0; start < images; start += BATCH) {
      await runner.query(
        `INSERT INTO image (id, project_id, place_id, sha256, file_name, width, height, recorded_at, latitude, longitude,
           drive, darkness, darkness_sensor, darkness_source, brightness, weather_label, weather, weather_source,
           time_of_day_label, time_of_day, time_of_day_source, scene_label, scene, scene_source,
           people, cars, bicycles, buses, traffic_lights, counts_source)
         SELECT uuidv7(), $1, CASE WHEN n % 20 > 0 THEN p.id END, encode(sha256(int8send(n)), 'hex'),
           'drive-' || d || '/' || lpad(n::text, 9, '0') || '.jpg', 1280, 720,
           CASE WHEN n % 33 > 0 THEN '2022-01-01T00:00Z'::timestamptz + d * interval '77 minutes' + n % 50 * interval '10 s' END,
           p.latitude + (random() - 0.5) / 100, p.longitude + (random() - 0.5) / 100,
           CASE WHEN n % 40 > 0 THEN 'drive-' || d END, r5, r5, 'SENSOR', 1 - r5,
           weather, weather, CASE WHEN weather IS NOT NULL THEN 'LABEL' END,
           time_of_day, time_of_day, CASE WHEN time_of_day IS NOT NULL THEN 'LABEL' END,
           scene, scene, CASE WHEN scene IS NOT NULL THEN 'LABEL' END,
           CASE WHEN lights IS NOT NULL THEN floor(r5 * 4) END, CASE WHEN lights IS NOT NULL THEN 1 + n % 3 END,
           CASE WHEN lights IS NOT NULL THEN 0 END, CASE WHEN lights IS NOT NULL THEN 0 END, lights,
           CASE WHEN lights IS NOT NULL THEN 'LABEL' END
         FROM (SELECT *, ${drawn('r1', WEATHER)} AS weather, ${drawn('r2', TIME_OF_DAY)} AS time_of_day,
             ${drawn('r3', SCENE)} AS scene, CASE WHEN n % 25 > 0 THEN floor(-1.5 * ln(1 - r4))::int END AS lights
           FROM (SELECT n, n / ${FRAMES_OF_DRIVE} AS d, random() AS r1, random() AS r2, random() AS r3, random() AS r4,
             random() AS r5 FROM generate_series($2::bigint, $3::bigint) n) raw) r
         JOIN numbered p ON p.nth = (r.d * 7919 + r.n % 3) % ${PLACES}`,
        [project.uuid, start, Math.min(images, start + BATCH) - 1],
      );
    }
    say(`${images} images in ${Math.round(performance.now() - started)} ms`);
    await runner.query(
      `INSERT INTO annotation (id, image_id, category, x, y, width, height, color)
       SELECT uuidv7(), i.id, 'TRAFFIC_LIGHT', 100 + 900 * r1, 50 + 300 * r2, width, 2 * width, ${drawn('r3', COLOR)}
       FROM (SELECT *, 4 - 12 * ln(1 - r0) AS width FROM (
         SELECT i.id, k, random() AS r0, random() AS r1, random() AS r2, random() AS r3
         FROM image i, generate_series(1, i.traffic_lights) k WHERE i.project_id = $1 ORDER BY i.id) one) i`,
      [project.uuid],
    );
    for (const [category, column] of [
      ['CAR', 'cars'],
      ['PERSON', 'people'],
    ]) {
      await runner.query(
        `INSERT INTO annotation (id, image_id, category, x, y, width, height)
         SELECT uuidv7(), i.id, '${category}', 1000 * random(), 600 * random(), 5 + 200 * random(), 5 + 100 * random()
         FROM image i, generate_series(1, i.${column}) WHERE i.project_id = $1 ORDER BY i.id`,
        [project.uuid],
      );
    }
    await runner.query('SET session_replication_role = DEFAULT');
    await runner.query('DROP TABLE numbered');
    await runner.query('VACUUM ANALYZE');
  });
  await check(db, project.uuid, images);
  say(`filled in ${Math.round(performance.now() - started)} ms`);
  return project.uuid;
}

/** The rows are what the triggers would have made of them. */
async function check(db: DataSource, projectUuid: string, images: number): Promise<void> {
  const [row] = await db.query(
    `SELECT count(*)::int AS images, sum(traffic_lights)::int AS lights, sum(cars)::int AS cars, (
       SELECT count(*)::int FROM annotation WHERE category = 'TRAFFIC_LIGHT') AS boxes, (
       SELECT count(*)::int FROM annotation WHERE category = 'CAR') AS car_boxes
     FROM image WHERE project_id = $1`,
    [projectUuid],
  );
  if (row.images !== images || row.lights !== row.boxes || row.cars !== row.car_boxes)
    throw new Error(`The made rows do not fit together: ${JSON.stringify(row)}`);
}
