import type { DataSource } from 'typeorm';
import { selectOne } from '../../graphql/select.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { isTimeZone } from '../../platform/timeZone.js';
import { rederiveImagesOfPlace } from '../image/rederive.js';
import { holdPrecedence } from '../project/precedence.js';
import { Place } from './place.js';

export interface PlaceFields {
  country?: string | null;
  prefecture?: string | null;
  city?: string | null;
  name?: string | null;
  timeZone?: string | null;
  latitude?: number | null;
  longitude?: number | null;
}

const bad = (message: string, field: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);

/** @throws ShingoError BAD_USER_INPUT */
export function checkTimeZone(name: string): void {
  if (!isTimeZone(name))
    throw bad(`${JSON.stringify(name)} is not an IANA time zone such as Asia/Tokyo.`, 'timeZone');
}

function check(fields: PlaceFields): void {
  for (const name of ['country', 'prefecture', 'city'] as const) {
    if (fields[name] != null && fields[name].trim() === '') throw bad(`${name} is empty.`, name);
  }
  if (fields.timeZone != null) checkTimeZone(fields.timeZone);
  if ((fields.latitude == null) !== (fields.longitude == null))
    throw bad('Give latitude and longitude together.', 'latitude');
  if (fields.latitude != null && Math.abs(fields.latitude) > 90)
    throw bad('latitude is beyond ±90 degrees.', 'latitude');
  if (fields.longitude != null && Math.abs(fields.longitude) > 180)
    throw bad('longitude is beyond ±180 degrees.', 'longitude');
}

/** @throws ShingoError BAD_USER_INPUT, PLACE_EXISTS */
export async function createPlace(
  db: DataSource,
  projectUuid: string,
  input: PlaceFields & { country: string; prefecture: string; city: string; timeZone: string },
): Promise<Place> {
  check(input);
  const uuid = newId();
  await unique(() =>
    db.query(
      `/* place.create */ INSERT INTO place (id, project_id, country, prefecture, city, name, time_zone, latitude, longitude)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        uuid,
        projectUuid,
        input.country,
        input.prefecture,
        input.city,
        input.name ?? '',
        input.timeZone,
        input.latitude ?? null,
        input.longitude ?? null,
      ],
    ),
  );
  return (await selectOne(db, Place, uuid)) as Place;
}

/**
 * Moving a place moves the sun over its images that have no position of their own: they are derived anew with it.
 * Another time zone moves the images whose time was given by the wall clock, hence their period and their sun. A time
 * that was given with its offset is an instant and stays.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, PLACE_EXISTS
 */
export async function updatePlace(
  db: DataSource,
  uuid: string,
  change: PlaceFields,
): Promise<{ place: Place; imagesChanged: number }> {
  check(change);
  return db.transaction(async (manager) => {
    await holdPrecedence(manager, uuid);
    const locked = await manager.query('/* place.lock */ SELECT 1 FROM place WHERE id = $1 FOR UPDATE', [
      uuid,
    ]);
    if (locked.length === 0) throw new ShingoError('NOT_FOUND', 'There is no such place.', 404, ['id']);
    await unique(() =>
      manager.query(
        `/* place.update */ UPDATE place SET country = coalesce($2, country), prefecture = coalesce($3, prefecture),
           city = coalesce($4, city), name = coalesce($5, name), time_zone = coalesce($6, time_zone),
           latitude = coalesce($7, latitude), longitude = coalesce($8, longitude) WHERE id = $1`,
        [
          uuid,
          change.country ?? null,
          change.prefecture ?? null,
          change.city ?? null,
          change.name ?? null,
          change.timeZone ?? null,
          change.latitude ?? null,
          change.longitude ?? null,
        ],
      ),
    );
    const place = (await selectOne(manager, Place, uuid)) as Place;
    const imagesChanged = await rederiveImagesOfPlace(manager, place, {
      position: change.latitude != null,
      timeZone: change.timeZone != null,
    });
    return { place, imagesChanged };
  });
}

async function unique(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ShingoError(
      'PLACE_EXISTS',
      'The project has a place with this country, prefecture, city and name.',
      409,
    );
  }
}
