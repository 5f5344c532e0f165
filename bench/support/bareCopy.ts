/** The rows that an import has made, as files, and back into the tables by nothing but COPY. */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from, to } from 'pg-copy-streams';
import type { DataSource } from 'typeorm';
import { connectionOf } from '../../src/platform/database/connection.js';
import { unlimited } from './unlimited.js';

/** The columns that the importer writes; what triggers and defaults make is made again. */
const IMAGE = `id, place_id, sha256, file_name, width, height, recorded_at, recorded_local, latitude, longitude, drive,
  darkness_sensor, brightness, sun_altitude, weather_label, time_of_day_label, time_of_day_derived, time_of_day_sensor,
  scene_label, project_id, weather_period, people, cars, bicycles, buses, traffic_lights`;
const ANNOTATION = 'id, image_id, category, x, y, width, height, color, arrows, role, occluded, truncated';

const withClient = <T>(db: DataSource, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  unlimited(db, async (runner) => work(await connectionOf(runner)));

/** In the order in which they were made. */
export const dumpRows = (db: DataSource, project: string, folder: string): Promise<void> =>
  withClient(db, async (client) => {
    const images = IMAGE.replace(
      'people, cars, bicycles, buses, traffic_lights',
      'people * 0, cars * 0, bicycles * 0, buses * 0, traffic_lights * 0',
    );
    const dump = (sql: string, file: string) =>
      pipeline(client.query(to(`COPY (${sql}) TO STDOUT`)), createWriteStream(join(folder, file)));
    await dump(`SELECT ${images} FROM image WHERE project_id = '${project}' ORDER BY id`, 'image.tsv');
    await dump(
      `SELECT ${ANNOTATION} FROM annotation WHERE image_id IN (SELECT id FROM image WHERE project_id = '${project}')
       ORDER BY id`,
      'annotation.tsv',
    );
  });

/** Seconds. One transaction, as one would write it; the project of the rows is there and empty. */
export const bareCopy = (db: DataSource, folder: string): Promise<number> =>
  withClient(db, async (client) => {
    const start = performance.now();
    await client.query('BEGIN');
    const load = (sql: string, file: string) =>
      pipeline(createReadStream(join(folder, file), { highWaterMark: 1 << 20 }), client.query(from(sql)));
    await load(`COPY image (${IMAGE}) FROM STDIN`, 'image.tsv');
    await load(`COPY annotation (${ANNOTATION}) FROM STDIN`, 'annotation.tsv');
    await client.query('COMMIT');
    return (performance.now() - start) / 1000;
  });
