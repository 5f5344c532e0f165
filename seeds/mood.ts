import type { Rgb } from './colour.js';
import type { SceneName } from './plan.js';
import { between, type Random } from './random.js';

/** How the air, the light and the ground of a scene are; everything that is drawn asks it. */
export interface Mood {
  skyTop: Rgb;
  skyBottom: Rgb;
  /** Multiplies every colour that does not glow. */
  ambient: Rgb;
  /** What far things fade into, and by how much per metre. */
  haze: Rgb;
  hazePerMetre: number;
  /** 0 dry … 1 standing water: mirrors the street. */
  wet: number;
  snow: number;
  /** Streaks or flakes per picture, and drops on the windscreen. */
  streaks: number;
  flakes: number;
  drops: number;
  /** Share of windows that are lit. */
  litWindows: number;
  lampsOn: boolean;
  headlights: boolean;
  /** How far glowing things bleed, in their own radii; and how strongly. */
  bleed: number;
  bleedStrength: number;
  clouds: 'none' | 'few' | 'deck';
  sun: boolean;
  /** Standard deviation of the sensor's noise in 0–255, and of the blur in pixels. */
  noise: number;
  blur: number;
  exposure: number;
  /** Gains of the sensor's red and blue: under sodium lamps its white balance is a guess. */
  cast: readonly [number, number];
}

const DAYLIGHT: Mood = {
  skyTop: [70, 130, 205],
  skyBottom: [186, 216, 240],
  ambient: [1, 1, 0.98],
  haze: [196, 214, 232],
  hazePerMetre: 0.0028,
  wet: 0,
  snow: 0,
  streaks: 0,
  flakes: 0,
  drops: 0,
  litWindows: 0,
  lampsOn: false,
  headlights: false,
  bleed: 1.5,
  bleedStrength: 0.25,
  clouds: 'none',
  sun: false,
  noise: 2.5,
  blur: 0.3,
  exposure: 1,
  cast: [1, 1],
};

const NIGHT: Mood = {
  ...DAYLIGHT,
  skyTop: [8, 11, 24],
  skyBottom: [44, 42, 58],
  ambient: [0.19, 0.19, 0.235],
  haze: [26, 27, 40],
  hazePerMetre: 0.006,
  litWindows: 0.3,
  lampsOn: true,
  headlights: true,
  bleed: 3.6,
  bleedStrength: 0.62,
  noise: 5.5,
  blur: 0.7,
};

const GREY: Mood = {
  ...DAYLIGHT,
  skyTop: [158, 166, 176],
  skyBottom: [206, 211, 216],
  ambient: [0.76, 0.78, 0.81],
  haze: [200, 205, 210],
  hazePerMetre: 0.005,
  clouds: 'deck',
};

/** Rain thickens the air, blurs the windscreen and makes every lamp bleed. */
const MOODS: Record<SceneName, Mood> = {
  sunny: DAYLIGHT,
  overcast: GREY,
  night: NIGHT,
  rain: {
    ...GREY,
    skyTop: [138, 146, 156],
    skyBottom: [182, 188, 194],
    ambient: [0.64, 0.67, 0.71],
    haze: [160, 168, 176],
    hazePerMetre: 0.011,
    wet: 0.75,
    streaks: 280,
    drops: 30,
    litWindows: 0.12,
    headlights: true,
    bleed: 2.3,
    bleedStrength: 0.5,
    noise: 4,
    blur: 0.8,
  },
  nightRain: {
    ...NIGHT,
    skyTop: [16, 18, 27],
    skyBottom: [62, 58, 66],
    haze: [54, 52, 60],
    hazePerMetre: 0.011,
    wet: 1,
    streaks: 380,
    drops: 42,
    bleed: 4.8,
    bleedStrength: 0.75,
    noise: 6.5,
    blur: 1.5,
  },
  dawn: {
    ...DAYLIGHT,
    skyTop: [64, 70, 120],
    skyBottom: [248, 164, 98],
    ambient: [0.5, 0.42, 0.46],
    haze: [214, 150, 122],
    hazePerMetre: 0.006,
    litWindows: 0.12,
    lampsOn: true,
    headlights: true,
    bleed: 2.4,
    bleedStrength: 0.45,
    clouds: 'few',
    noise: 4.5,
    blur: 0.4,
  },
  snow: {
    ...GREY,
    skyTop: [186, 192, 200],
    skyBottom: [222, 226, 231],
    ambient: [0.84, 0.87, 0.92],
    haze: [222, 226, 231],
    hazePerMetre: 0.01,
    snow: 1,
    flakes: 420,
    drops: 4,
    headlights: true,
    bleed: 1.8,
    bleedStrength: 0.35,
    noise: 3,
    blur: 0.5,
  },
  fog: {
    ...GREY,
    skyTop: [190, 195, 199],
    skyBottom: [208, 212, 214],
    ambient: [0.74, 0.76, 0.78],
    haze: [206, 210, 212],
    hazePerMetre: 0.031,
    headlights: true,
    bleed: 3,
    bleedStrength: 0.5,
    noise: 3,
    blur: 0.6,
  },
};

/** The scene's mood as one drive saw it: no two evenings are the same. */
export function moodOf(scene: SceneName, cloudy: boolean, random: Random): Mood {
  const mood = MOODS[scene];
  const vary = (value: number, by: number) => value * between(random, 1 - by, 1 + by);
  return {
    ...mood,
    clouds: mood.clouds === 'none' && cloudy ? 'few' : mood.clouds,
    sun: scene === 'sunny' && random() < 0.4,
    hazePerMetre: vary(mood.hazePerMetre, 0.3),
    streaks: Math.round(vary(mood.streaks, 0.35)),
    flakes: Math.round(vary(mood.flakes, 0.35)),
    drops: Math.round(vary(mood.drops, 0.5)),
    litWindows: vary(mood.litWindows, 0.4),
    bleed: vary(mood.bleed, 0.25),
    noise: vary(mood.noise, 0.3),
    blur: vary(mood.blur, mood.wet ? 0.5 : 0.3),
    exposure: vary(mood.exposure, 0.08),
    cast: mood.ambient[0] < 0.3 ? [vary(1, 0.15), vary(1, 0.22)] : [vary(1, 0.03), vary(1, 0.03)],
  };
}
