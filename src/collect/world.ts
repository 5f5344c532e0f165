/** What a project could be driven out for: its places with their sun, and the weather that they have had. */
import type { DataSource } from 'typeorm';
import { sunAltitude, timeOfDayFromSun } from '../catalog/image/sun.js';
import { TimeOfDay } from '../catalog/vocabulary.js';

export interface CollectionPlace {
  id: string;
  country: string;
  prefecture: string;
  city: string;
  time_zone: string;
  latitude: number | null;
  longitude: number | null;
}

const MOST_PLACES = 5_000;

/** The oldest first; at most 5,000. */
export const placesOf = (db: DataSource, projectUuid: string): Promise<CollectionPlace[]> =>
  db.query(
    `/* collect.places */ SELECT id, country, prefecture, city, time_zone, latitude, longitude FROM place
     WHERE project_id = $1 ORDER BY id LIMIT ${MOST_PLACES}`,
    [projectUuid],
  );

/** Hours of each hour of the day in which a place had a weather, by place and weather. */
export type WeatherHours = Map<string, Map<string, number[]>>;

const MOST_PERIODS = 50_000;

/**
 * Of the project's newest 50,000 weather periods, up to now. Exact: of the clock's hours up to x hours since 1970,
 * floor(x / 24) whole ones and a part of today's fall into each hour of the day; a period has what its two ends differ by.
 */
export async function weatherHours(db: DataSource, projectUuid: string): Promise<WeatherHours> {
  const upTo = (x: string) => `(floor(${x} / 24) + least(greatest(${x} - 24 * floor(${x} / 24) - h, 0), 1))`;
  const local = (time: string) => `(extract(epoch FROM ${time} AT TIME ZONE zone) / 3600)::float8`;
  const rows: { place_id: string; weather_name: string; hours: number[] }[] = await db.query(
    `/* collect.weatherHours */ WITH period AS (
       SELECT w.place_id, w.weather_name, w.start_time, least(coalesce(w.end_time, now()), now()) AS end_time,
         p.time_zone AS zone
       FROM weather w JOIN place p ON p.id = w.place_id WHERE p.project_id = $1 AND w.start_time < now()
       ORDER BY w.start_time DESC LIMIT ${MOST_PERIODS}
     ), clock AS (SELECT place_id, weather_name, ${local('start_time')} AS s, ${local('end_time')} AS e FROM period
     ), hourly AS (
       SELECT place_id, weather_name, h, sum(${upTo('e')} - ${upTo('s')}) AS hours
       FROM clock CROSS JOIN generate_series(0, 23) h GROUP BY 1, 2, 3)
     SELECT place_id, weather_name, array_agg(hours ORDER BY h) AS hours FROM hourly GROUP BY 1, 2`,
    [projectUuid],
  );
  const found: WeatherHours = new Map();
  for (const { place_id, weather_name, hours } of rows) {
    const place = found.get(place_id) ?? new Map<string, number[]>();
    found.set(place_id, place.set(weather_name, hours));
  }
  return found;
}

/** Of an hour of the day in a month: how many of the looks at the sun found this time of day. */
export type SunHours = Map<TimeOfDay, number>[][];

const LOOK_MS = 20 * 60_000;
/** Any year: the sun of a day of the year stands where it does within minutes. */
const YEAR = 2025;

/** Of the whole process, since the sun does not change; 2,000 take 60 MB. At 1 ms each, 500 were half of an answer. */
const MOST_SUNS = 2_000;
const suns = new Map<string, SunHours>();

/** Looks at the sun every 20 minutes of the middle of each month, by the clock of the place. */
export class Suns {
  /** [month 0–11][hour 0–23]; null: nobody has said where the place is. Places within a degree have one sun: 4 minutes. */
  of({ latitude, longitude, time_zone }: CollectionPlace): SunHours | null {
    if (latitude === null || longitude === null) return null;
    const [lat, lon] = [Math.round(latitude), Math.round(longitude)];
    const key = `${lat} ${lon} ${time_zone}`;
    const known = suns.get(key);
    if (known) return known;
    const sun = sunHours(lat, lon, time_zone);
    const [oldest] = suns.keys();
    if (suns.size >= MOST_SUNS && oldest !== undefined) suns.delete(oldest);
    suns.set(key, sun);
    return sun;
  }
}

function sunHours(latitude: number, longitude: number, timeZone: string): SunHours {
  return Array.from({ length: 12 }, (_, month) => {
    const hours = Array.from({ length: 24 }, () => new Map<TimeOfDay, number>());
    const start = Date.UTC(YEAR, month, 15);
    const offset = offsetOf(new Date(start), timeZone);
    for (let at = 0; at < 24 * 3_600_000; at += LOOK_MS) {
      const time = timeOfDayFromSun(sunAltitude(new Date(start + at), latitude, longitude));
      const hour = hours[new Date(start + at + offset).getUTCHours()]!;
      hour.set(time, (hour.get(time) ?? 0) + 1);
    }
    return hours;
  });
}

/** What the clock of the zone is ahead of UTC, in milliseconds. */
function offsetOf(time: Date, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric' },
  });
  const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute);
  return shown - time.getTime();
}

/** How much of an hour, in one month (0–11) or the whole year, is of one of these times of day; 0 to 1. */
export function shareOf(
  sun: SunHours,
  hour: number,
  times: ReadonlySet<string>,
  month: number | null,
): number {
  let [matching, all] = [0, 0];
  for (const [time, looks] of (month === null ? yearOf(sun) : sun[month]!)[hour]!) {
    all += looks;
    if (times.has(time)) matching += looks;
  }
  return all === 0 ? 0 : matching / all;
}

const years = new WeakMap<SunHours, SunHours[number]>();

/** Hours of the whole year: the sum of its months, once for each sun. */
function yearOf(sun: SunHours): SunHours[number] {
  let year = years.get(sun);
  if (year) return year;
  year = Array.from({ length: 24 }, (_, hour) => {
    const sum = new Map<TimeOfDay, number>();
    for (const month of sun)
      for (const [time, looks] of month[hour]!) sum.set(time, (sum.get(time) ?? 0) + looks);
    return sum;
  });
  years.set(sun, year);
  return year;
}
