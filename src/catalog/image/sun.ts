/** Time of day from the sun: where it stands over a place at a time. */
import { getPosition } from 'suncalc';
import type { EntityManager } from 'typeorm';
import type { Place } from '../place/place.js';
import { TimeOfDay } from '../vocabulary.js';

/** Degrees above the horizon (negative: below). */
export function sunAltitude(time: Date, latitude: number, longitude: number): number {
  return getPosition(time, latitude, longitude).altitude;
}

/**
 * NIGHT below −6° (the end of civil twilight), DAY above 6° (the end of the golden hour, when the light stops being
 * low and red), DAWN_DUSK between: the altitudes that suncalc itself names dawn/dusk and goldenHour.
 */
export function timeOfDayFromSun(altitude: number): TimeOfDay {
  if (altitude < -6) return TimeOfDay.NIGHT;
  return altitude > 6 ? TimeOfDay.DAY : TimeOfDay.DAWN_DUSK;
}

/** Rows per round trip: bounds memory for a place with a million frames. */
const BATCH = 5000;

/** Derives the sun anew for the images of a place that have no position of their own. Returns how many changed. */
export async function deriveSunOfPlace(manager: EntityManager, place: Place): Promise<number> {
  if (place.latitude === null || place.longitude === null) return 0;
  let changed = 0;
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const rows: { id: string; recorded_at: Date }[] = await manager.query(
      `/* image.withoutPosition */ SELECT id, recorded_at FROM image
       WHERE place_id = $1 AND id > $2 AND latitude IS NULL AND recorded_at IS NOT NULL ORDER BY id LIMIT ${BATCH}`,
      [place.uuid, after],
    );
    const last = rows.at(-1);
    if (!last) return changed;
    after = last.id;
    const altitudes = rows.map((row) =>
      sunAltitude(row.recorded_at, place.latitude as number, place.longitude as number),
    );
    const [, count] = await manager.query(
      `/* image.setSun */ UPDATE image SET sun_altitude = s.altitude, time_of_day_derived = s.time_of_day
       FROM unnest($1::uuid[], $2::float8[], $3::text[]) AS s(id, altitude, time_of_day)
       WHERE image.id = s.id AND image.sun_altitude IS DISTINCT FROM s.altitude`,
      [rows.map((row) => row.id), altitudes, altitudes.map(timeOfDayFromSun)],
    );
    changed += count as number;
  }
}
