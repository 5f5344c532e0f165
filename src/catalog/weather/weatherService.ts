/**
 * Weather periods, and what they say of images. Every change takes the place's row lock first; registering images
 * takes it shared. So an image registered while a period is corrected is seen by one of the two, never by neither.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { columnsOf, hydrate, selectOne } from '../../graphql/select.js';
import { pgError } from '../../platform/database/errors.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { holdPrecedence } from '../project/precedence.js';
import type { WeatherName } from '../vocabulary.js';
import { Weather } from './weather.js';

export interface WeatherChange {
  weather: Weather | null;
  /** Images whose weather, as their place's periods tell it, is another now. */
  imagesChanged: number;
}

interface Period {
  start: Date;
  end: Date | null;
}

/** The weather of the period of that place that holds that time, as an SQL expression of two others. */
export const periodSql = (place: string, time: string) =>
  `(SELECT w.weather_name FROM weather w WHERE w.place_id = ${place}
    AND w.start_time <= ${time} AND (w.end_time IS NULL OR ${time} < w.end_time))`;
export const PERIOD_OF_IMAGE = periodSql('i.place_id', 'i.recorded_at');

/** @throws ShingoError NOT_FOUND, WEATHER_OVERLAP, BAD_USER_INPUT */
export async function createWeather(
  db: DataSource,
  placeUuid: string,
  input: { weatherName: WeatherName; startTime: Date; endTime?: Date | null },
): Promise<WeatherChange> {
  const period = { start: input.startTime, end: input.endTime ?? null };
  const uuid = newId();
  return db.transaction(async (manager) => {
    await lockPlace(manager, placeUuid);
    await checked(period, () =>
      manager.query(
        `/* weather.create */ INSERT INTO weather (id, place_id, weather_name, start_time, end_time)
         VALUES ($1, $2, $3, $4, $5)`,
        [uuid, placeUuid, input.weatherName, period.start, period.end],
      ),
    );
    return {
      weather: await selectOne(manager, Weather, uuid),
      imagesChanged: await recompute(manager, placeUuid, [period]),
    };
  });
}

/** @throws ShingoError NOT_FOUND, WEATHER_OVERLAP, BAD_USER_INPUT */
export async function updateWeather(
  db: DataSource,
  uuid: string,
  change: { weatherName?: WeatherName | null; startTime?: Date | null; endTime?: Date | null },
): Promise<WeatherChange> {
  return db.transaction(async (manager) => {
    const before = await lockWeather(manager, uuid);
    const period = {
      start: change.startTime ?? before.startTime,
      end: change.endTime === undefined ? before.endTime : change.endTime,
    };
    await checked(period, () =>
      manager.query(
        `/* weather.update */ UPDATE weather SET weather_name = coalesce($2, weather_name), start_time = $3, end_time = $4
         WHERE id = $1`,
        [uuid, change.weatherName ?? null, period.start, period.end],
      ),
    );
    const touched = [{ start: before.startTime, end: before.endTime }, period];
    return {
      weather: await selectOne(manager, Weather, uuid),
      imagesChanged: await recompute(manager, before.placeUuid, touched),
    };
  });
}

/** @throws ShingoError NOT_FOUND */
export async function deleteWeather(db: DataSource, uuid: string): Promise<WeatherChange> {
  return db.transaction(async (manager) => {
    const before = await lockWeather(manager, uuid);
    await manager.query('/* weather.delete */ DELETE FROM weather WHERE id = $1', [uuid]);
    const touched = [{ start: before.startTime, end: before.endTime }];
    return { weather: null, imagesChanged: await recompute(manager, before.placeUuid, touched) };
  });
}

async function lockPlace(manager: EntityManager, placeUuid: string): Promise<void> {
  await holdPrecedence(manager, placeUuid);
  const rows = await manager.query('/* weather.lockPlace */ SELECT 1 FROM place WHERE id = $1 FOR UPDATE', [
    placeUuid,
  ]);
  if (rows.length === 0) throw new ShingoError('NOT_FOUND', 'There is no such place.', 404, ['placeId']);
}

async function lockWeather(manager: EntityManager, uuid: string): Promise<Weather> {
  const seen = await selectOne(manager, Weather, uuid);
  if (seen) await lockPlace(manager, seen.placeUuid);
  // Read again: it may have been changed while the lock was waited for.
  const weather = seen && (await selectOne(manager, Weather, uuid));
  if (!weather) throw new ShingoError('NOT_FOUND', 'There is no such weather period.', 404, ['id']);
  return weather;
}

async function checked(period: Period, work: () => Promise<unknown>): Promise<void> {
  if (period.end && period.start >= period.end) {
    throw new ShingoError('BAD_USER_INPUT', 'A period ends after it starts.', 400, ['endTime']);
  }
  try {
    await work();
  } catch (error) {
    if (pgError(error)?.constraint !== 'weather_no_overlap') throw error;
    throw new ShingoError(
      'WEATHER_OVERLAP',
      'This place has a weather period that overlaps this one; shorten or delete that one first (startTime is within, endTime is not).',
      409,
      ['startTime'],
    );
  }
}

/** The weather periods that hold these images, in their order; null where none does. One statement. */
export async function periodsOfImages(
  db: DataSource,
  images: readonly string[],
): Promise<(Weather | null)[]> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* weather.ofImages */ SELECT i.id AS "_image", ${columnsOf(db, Weather, 'w')} FROM image i
     JOIN weather w ON w.place_id = i.place_id AND w.start_time <= i.recorded_at
       AND (w.end_time IS NULL OR i.recorded_at < w.end_time)
     WHERE i.id = ANY($1)`,
    [images],
  );
  const byImage = new Map(rows.map((row) => [row._image as string, hydrate(db, Weather, row)]));
  return images.map((image) => byImage.get(image) ?? null);
}

/** Exactly the images that the touched periods hold, and of those only the ones whose answer is another now. */
async function recompute(manager: EntityManager, placeUuid: string, touched: Period[]): Promise<number> {
  const [, changed] = await manager.query(
    `/* weather.recompute */ UPDATE image i SET weather_period = ${PERIOD_OF_IMAGE}
     WHERE i.place_id = $1 AND i.weather_period IS DISTINCT FROM ${PERIOD_OF_IMAGE}
       AND EXISTS (SELECT 1 FROM unnest($2::timestamptz[], $3::timestamptz[]) AS p(s, e)
                   WHERE p.s <= i.recorded_at AND (p.e IS NULL OR i.recorded_at < p.e))`,
    [placeUuid, touched.map((period) => period.start), touched.map((period) => period.end)],
  );
  return changed as number;
}
