import { between, chance, pickWeighted, seededRandom, type Random } from './random.js';
import type { Weather } from './manifest.js';

export interface DemoPlace {
  country: string;
  prefecture: string;
  city: string;
  timeZone: string;
  latitude: number;
  longitude: number;
}

/** A weather period at a place: half-open [startTime, endTime), ISO 8601 in UTC. */
export interface DemoWeather {
  /** Index into `demoPlaces`. */
  place: number;
  weather: Weather;
  startTime: string;
  endTime: string;
}

const place = (
  country: string,
  prefecture: string,
  city: string,
  latitude: number,
  longitude: number,
  timeZone = 'Asia/Tokyo',
): DemoPlace => ({ country, prefecture, city, timeZone, latitude, longitude });

export const demoPlaces: DemoPlace[] = [
  place('Japan', 'Tokyo', 'Shibuya', 35.6618, 139.7041),
  place('Japan', 'Tokyo', 'Koto', 35.6729, 139.8174),
  place('Japan', 'Kanagawa', 'Yokohama', 35.4437, 139.638),
  place('Japan', 'Aichi', 'Nagoya', 35.1815, 136.9066),
  place('Japan', 'Osaka', 'Osaka', 34.6937, 135.5023),
  place('Japan', 'Fukuoka', 'Fukuoka', 33.5904, 130.4017),
  place('Japan', 'Hokkaido', 'Sapporo', 43.0621, 141.3544),
  place('Japan', 'Niigata', 'Niigata', 37.9161, 139.0364),
  place('United States', 'California', 'San Francisco', 37.7749, -122.4194, 'America/Los_Angeles'),
  place('Germany', 'Bavaria', 'Munich', 48.1351, 11.582, 'Europe/Berlin'),
];

type Climate = readonly (readonly [Weather, number])[];

/** Weights, not climatology: every weather that a demo needs must occur often enough by day and by night. */
const MILD: Climate = [
  ['CLEAR', 4],
  ['PARTLY_CLOUDY', 2],
  ['OVERCAST', 2],
  ['RAIN', 4],
];
const COLD: Climate = [...MILD, ['SNOW', 6]];
const MISTY: Climate = [...MILD, ['FOG', 5]];

const CLIMATES: Record<string, { climate: Climate; from: string }> = {
  Sapporo: { climate: COLD, from: '2026-01-12T00:00:00Z' },
  Niigata: { climate: COLD, from: '2026-02-02T00:00:00Z' },
  Munich: { climate: [...COLD, ['FOG', 3]], from: '2026-01-19T00:00:00Z' },
  'San Francisco': { climate: MISTY, from: '2026-06-15T00:00:00Z' },
  Yokohama: { climate: MISTY, from: '2026-04-06T00:00:00Z' },
};
const ELSEWHERE = { climate: MILD, from: '2026-04-01T00:00:00Z' };

const DAYS = 12;
const HOUR = 3_600_000;

/** Twelve days of weather at every place. It depends on the seed alone, so that any number of images fits it. */
export function demoWeather(seed = 1): DemoWeather[] {
  return demoPlaces.flatMap((at, index) => {
    const { climate, from } = CLIMATES[at.city] ?? ELSEWHERE;
    return periods(seededRandom(seed, 'weather', at.city), index, climate, Date.parse(from));
  });
}

function periods(random: Random, place: number, climate: Climate, from: number): DemoWeather[] {
  const made: DemoWeather[] = [];
  const end = from + DAYS * 24 * HOUR;
  for (let start = from; start < end;) {
    const stop = start + Math.round(between(random, 5, 30)) * HOUR;
    const others = climate.filter(([name]) => name !== made.at(-1)?.weather);
    const weather = pickWeighted(random, others);
    made.push({
      place,
      weather,
      startTime: new Date(start).toISOString(),
      endTime: new Date(stop).toISOString(),
    });
    // Now and then nobody noted the weather for some hours: a gap is not a weather.
    start = stop + (chance(random, 0.12) ? Math.round(between(random, 2, 6)) * HOUR : 0);
  }
  return made;
}
