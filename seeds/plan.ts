import { getPosition } from 'suncalc';
import { demoPlaces, demoWeather, type DemoPlace, type DemoWeather } from './places.js';
import type { LightColor, TimeOfDay, Weather } from './manifest.js';
import { between, chance, intBetween, pick, seededRandom, shuffle, type Random } from './random.js';

/** What a scene looks like; weather and time of day follow from it. */
export const SCENES = {
  sunny: { weather: ['CLEAR', 'PARTLY_CLOUDY'], timeOfDay: 'DAY', share: 0.2 },
  overcast: { weather: ['OVERCAST'], timeOfDay: 'DAY', share: 0.08 },
  night: { weather: ['CLEAR', 'PARTLY_CLOUDY', 'OVERCAST'], timeOfDay: 'NIGHT', share: 0.18 },
  rain: { weather: ['RAIN'], timeOfDay: 'DAY', share: 0.16 },
  nightRain: { weather: ['RAIN'], timeOfDay: 'NIGHT', share: 0.14 },
  dawn: { weather: ['CLEAR', 'PARTLY_CLOUDY'], timeOfDay: 'DAWN_DUSK', share: 0.1 },
  snow: { weather: ['SNOW'], timeOfDay: 'DAY', share: 0.07 },
  fog: { weather: ['FOG'], timeOfDay: 'DAY', share: 0.07 },
} satisfies Record<string, { weather: Weather[]; timeOfDay: TimeOfDay; share: number }>;
export type SceneName = keyof typeof SCENES;
export const SCENE_NAMES = Object.keys(SCENES) as SceneName[];

/** One picture to take: the truth about it, before anything is drawn. */
export interface Shot {
  index: number;
  scene: SceneName;
  weather: Weather;
  timeOfDay: TimeOfDay;
  place: DemoPlace;
  recordedAt: Date;
  latitude: number;
  longitude: number;
  drive: string;
  /** Pictures of one drive share their street and their light. */
  driveSeed: number;
  /** Colours for the junctions of this picture, near first. */
  colors: LightColor[];
  /** What the row leaves out, for the catalog to resolve. */
  hidden: { weather: boolean; timeOfDay: boolean };
}

const MINUTE = 60_000;
/** A drive takes this long at most; a stretch of suitable light must hold it whole. */
const DRIVE_MINUTES = 10;
/** Pictures of one drive: few, so that a split by drive still has every scene on both sides. */
const DRIVE_IMAGES = 4;
export const JUNCTIONS = 2;

/** Sun altitudes in degrees, two inside the bands of the catalog (−6 and 6): a label must not hang on rounding. */
const ALTITUDES: Record<TimeOfDay, readonly [number, number]> = {
  DAY: [8, 90],
  DAWN_DUSK: [-4.5, 4],
  NIGHT: [-90, -8],
};

/** Which pictures to take, where and when: drives of one scene each, shuffled so that any prefix is mixed. */
export function planDemo(images: number, seed: number): Shot[] {
  const random = seededRandom(seed, 'plan');
  const weather = demoWeather(seed);
  const drives: Omit<Shot, 'index'>[][] = [];
  for (const scene of SCENE_NAMES) {
    const stretches = suitableStretches(scene, weather);
    const bag = colorBag(random, sceneCount(scene, images) * JUNCTIONS);
    for (let left = sceneCount(scene, images); left > 0; left -= DRIVE_IMAGES) {
      drives.push(planDrive(random, scene, pick(random, stretches), Math.min(left, DRIVE_IMAGES), bag));
    }
  }
  return shuffle(random, drives)
    .flat()
    .map((shot, index) => ({ ...shot, index }));
}

/** Largest remainders, so that the shares of any number of images add up to it. */
export function sceneCount(scene: SceneName, images: number): number {
  const parts = SCENE_NAMES.map((name) => ({ name, exact: SCENES[name].share * images }));
  const missing = images - parts.reduce((sum, { exact }) => sum + Math.floor(exact + 1e-9), 0);
  const rank = [...parts]
    .sort((a, b) => (b.exact % 1) - (a.exact % 1) || a.name.localeCompare(b.name))
    .findIndex(({ name }) => name === scene);
  return Math.floor(SCENES[scene].share * images + 1e-9) + (rank < missing ? 1 : 0);
}

interface Stretch {
  period: DemoWeather;
  /** A drive may start in [from, to). */
  from: number;
}

/** Every quarter of an hour at which a whole drive fits into the weather and into the light. */
function suitableStretches(scene: SceneName, weather: DemoWeather[]): Stretch[] {
  const { weather: wanted, timeOfDay } = SCENES[scene];
  const found: Stretch[] = [];
  for (const period of weather) {
    if (!(wanted as Weather[]).includes(period.weather)) continue;
    const end = Date.parse(period.endTime) - DRIVE_MINUTES * MINUTE;
    for (let from = Date.parse(period.startTime); from <= end; from += 15 * MINUTE) {
      const at = demoPlaces[period.place]!;
      if (isLight(timeOfDay, at, from) && isLight(timeOfDay, at, from + DRIVE_MINUTES * MINUTE)) {
        found.push({ period, from });
      }
    }
  }
  if (found.length === 0) throw new Error(`No weather period of this seed suits the scene ${scene}.`);
  return found;
}

function isLight(timeOfDay: TimeOfDay, at: DemoPlace, time: number): boolean {
  const [low, high] = ALTITUDES[timeOfDay];
  const { altitude } = getPosition(new Date(time), at.latitude, at.longitude);
  return altitude >= low && altitude <= high;
}

function planDrive(
  random: Random,
  scene: SceneName,
  { period, from }: Stretch,
  images: number,
  bag: LightColor[],
): Omit<Shot, 'index'>[] {
  const place = demoPlaces[period.place]!;
  const start = from + intBetween(random, 5, 55) * 1000;
  const driveSeed = Math.floor(random() * 2 ** 31);
  const local = new Date(start).toISOString().replace(/[-:]/g, '').slice(0, 13);
  const drive = `${place.city.toLowerCase().replace(/\W+/g, '-')}-${local}-${(driveSeed % 4096).toString(16)}`;
  return Array.from({ length: images }, (_, i) => ({
    scene,
    weather: period.weather,
    timeOfDay: SCENES[scene].timeOfDay,
    place,
    // About every two minutes, below DRIVE_MINUTES in all.
    recordedAt: new Date(start + i * 120_000 + intBetween(random, 0, 60) * 1000),
    // Within 1 km of the place: the sun and the weather are the same.
    latitude: round5(place.latitude + between(random, -0.008, 0.008)),
    longitude: round5(place.longitude + between(random, -0.008, 0.008)),
    drive,
    driveSeed,
    colors: bag.splice(0, JUNCTIONS),
    hidden: { weather: chance(random, 0.2), timeOfDay: chance(random, 0.2) },
  }));
}

const round5 = (degrees: number) => Math.round(degrees * 1e5) / 1e5;

/** As many of each colour within every scene, and one junction in 25 dark: a score must not come from the mix. */
function colorBag(random: Random, size: number): LightColor[] {
  const colors = ['RED', 'YELLOW', 'GREEN'] as const;
  const bag = Array.from({ length: size }, (_, i): LightColor => (i % 25 === 24 ? 'OFF' : colors[i % 3]!));
  return shuffle(random, bag);
}

/** ISO 8601 with the offset that clocks at the place show. */
export function localTime(date: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(
    date,
  );
  const offset = parts.find(({ type }) => type === 'timeZoneName')!.value.replace('GMT', '') || '+00:00';
  const [hours, minutes] = offset.slice(1).split(':').map(Number);
  const shift = (offset.startsWith('-') ? -1 : 1) * (hours! * 60 + minutes!) * MINUTE;
  return new Date(date.getTime() + shift).toISOString().slice(0, 19) + offset;
}
