/** SUN_ALTITUDE: from where and when; the position is the image's own or, where it has none, its place's. */
import type { EntityManager } from 'typeorm';
import { sunAltitude, timeOfDayFromSun } from '../image/sun.js';
import { idsOf, lockImages, type Plan, type Row, type Step } from './pages.js';

interface SunRow extends Row {
  recorded_at: Date | null;
  latitude: number | null;
  longitude: number | null;
  sun_altitude: number | null;
  time_of_day_derived: string | null;
}

interface SunWrite {
  id: string;
  at: Date | null;
  latitude: number | null;
  longitude: number | null;
  altitude: number | null;
  timeOfDay: string | null;
}

function planOf(row: SunRow): Plan<SunWrite> {
  const { recorded_at: at, latitude, longitude } = row;
  const known = at !== null && latitude !== null && longitude !== null;
  const altitude = known ? sunAltitude(at, latitude, longitude) : null;
  const timeOfDay = altitude === null ? null : timeOfDayFromSun(altitude);
  if (altitude !== row.sun_altitude || timeOfDay !== row.time_of_day_derived)
    return { row, outcome: 'CHANGED', write: { id: row.id, at, latitude, longitude, altitude, timeOfDay } };
  if (known) return { row, outcome: 'UNCHANGED' };
  return { row, outcome: 'SKIPPED', reason: at === null ? 'NO_TIME' : 'NO_POSITION' };
}

/** An image whose time or position has changed since it was looked at is left to whoever changed it. */
async function write(manager: EntityManager, writes: SunWrite[]): Promise<string[]> {
  await lockImages(manager, idsOf(writes));
  const [written] = await manager.query(
    `/* enrichment.sunAltitude */ UPDATE image i SET sun_altitude = s.altitude, time_of_day_derived = s.time_of_day
     FROM unnest($1::uuid[], $2::timestamptz[], $3::float8[], $4::float8[], $5::float8[], $6::text[])
       AS s(id, at, latitude, longitude, altitude, time_of_day)
     WHERE i.id = s.id AND i.recorded_at IS NOT DISTINCT FROM s.at
       AND coalesce(i.latitude, (SELECT l.latitude FROM place l WHERE l.id = i.place_id)) IS NOT DISTINCT FROM s.latitude
       AND coalesce(i.longitude, (SELECT l.longitude FROM place l WHERE l.id = i.place_id)) IS NOT DISTINCT FROM s.longitude
     RETURNING i.id`,
    [
      idsOf(writes),
      writes.map(({ at }) => at),
      writes.map(({ latitude }) => latitude),
      writes.map(({ longitude }) => longitude),
      writes.map(({ altitude }) => altitude),
      writes.map(({ timeOfDay }) => timeOfDay),
    ],
  );
  return idsOf(written);
}

export const sunAltitudes: Step<SunRow, SunWrite> = {
  phase: 'DERIVING',
  batch: 2000,
  columns: `t.recorded_at, coalesce(t.latitude, l.latitude) AS latitude, coalesce(t.longitude, l.longitude) AS longitude,
    t.sun_altitude, t.time_of_day_derived`,
  look: async (rows) => rows.map(planOf),
  write,
};
