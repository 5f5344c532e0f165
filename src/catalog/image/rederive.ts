/** What a place's position and time zone say of its images, said anew when they are corrected. */
import type { EntityManager } from 'typeorm';
import type { Place } from '../place/place.js';
import { periodSql } from '../weather/weatherService.js';
import { sunAltitude, timeOfDayFromSun } from './sun.js';

/** Rows per round trip: bounds memory for a place with a million frames. */
const BATCH = 5000;

interface Row {
  id: string;
  at: Date;
  latitude: number | null;
  longitude: number | null;
}

/**
 * Exactly the images that the change touches: with another position those that have none of their own, with another
 * time zone those whose time was given by the wall clock. The place is locked by the caller.
 * @returns how many are otherwise now
 */
export async function rederiveImagesOfPlace(
  manager: EntityManager,
  place: Place,
  changed: { position: boolean; timeZone: boolean },
): Promise<number> {
  if (!changed.position && !changed.timeZone) return 0;
  let count = 0;
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const rows: Row[] = await manager.query(
      `/* image.toRederive */ SELECT id, coalesce(recorded_local AT TIME ZONE $3, recorded_at) AS at,
         coalesce(latitude, $4::float8) AS latitude, coalesce(longitude, $5::float8) AS longitude
       FROM image WHERE place_id = $1 AND id > $2 AND recorded_at IS NOT NULL
         AND (($6 AND latitude IS NULL) OR ($7 AND recorded_local IS NOT NULL)) ORDER BY id LIMIT ${BATCH}`,
      [
        place.uuid,
        after,
        place.timeZone,
        place.latitude,
        place.longitude,
        changed.position,
        changed.timeZone,
      ],
    );
    const last = rows.at(-1);
    if (!last) return count;
    after = last.id;
    const altitudes = rows.map((row) =>
      row.latitude === null ? null : sunAltitude(row.at, row.latitude, row.longitude as number),
    );
    const [, updated] = await manager.query(
      `/* image.rederive */ UPDATE image i SET recorded_at = s.at, sun_altitude = s.altitude,
         time_of_day_derived = s.time_of_day, weather_period = ${periodSql('i.place_id', 's.at')}
       FROM unnest($1::uuid[], $2::timestamptz[], $3::float8[], $4::text[]) AS s(id, at, altitude, time_of_day)
       -- One that was moved since it was read is derived by its new place.
       WHERE i.id = s.id AND i.place_id = $5 AND (i.recorded_at, i.sun_altitude) IS DISTINCT FROM (s.at, s.altitude)`,
      [
        rows.map((row) => row.id),
        rows.map((row) => row.at),
        altitudes,
        altitudes.map((altitude) => (altitude === null ? null : timeOfDayFromSun(altitude))),
        place.uuid,
      ],
    );
    count += updated as number;
  }
}
