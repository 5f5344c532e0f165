/**
 * Random changes of training pictures. Everything drawn follows from (seed, epoch, item), each effect from numbers of
 * its own: a resumed training repeats them, and switching one on leaves the others as they were.
 */
import type { Augmentation } from '../../parameters.js';
import { generator, mixSeeds } from '../../random.js';
import { jitterColor } from './color.js';
import { drawWindow, look, type Window } from './geometry.js';
import { makeNight } from './night.js';
import { clamp, type Picture, type Random } from './picture.js';
import { makeFog, makeRain } from './weather.js';

export { moveBox, type Box, type Window } from './geometry.js';
export { mirroredLabels } from './mirror.js';
export type { Picture } from './picture.js';

/** Names an effect's own numbers. */
const EFFECTS = { window: 1, color: 2, night: 3, fog: 4, rain: 5, cut: 6 } as const;
type Effect = keyof typeof EFFECTS;
export type Draw = (effect: Effect) => Random;

/** The random numbers of one item in one epoch. */
export const drawsOf =
  (seed: number, epoch: number, item: number): Draw =>
  (effect) =>
    generator(mixSeeds(seed, epoch, item, EFFECTS[effect]));

export interface Augmented {
  picture: Picture;
  window: Window;
}

/** Where the picture is looked at; see geometry.ts. Boxes move along by `moveBox`, labels by `mirroredLabels`. */
export const windowOf = (
  augmentation: Augmentation,
  size: { width: number; height: number },
  draw: Draw,
  mayFlip: boolean,
): Window => drawWindow(augmentation, size, draw('window'), mayFlip);

/** Whether there is anything to do but to look at it through the window. */
export const changesLight = ({ color, night, rain, fog }: Augmentation): boolean =>
  color > 0 || night > 0 || rain > 0 || fog > 0;

/**
 * A changed copy, 0 to 255.
 * @param frame a whole frame of a road camera, in which distance follows from the row; else a crop
 */
export function augmented(
  picture: Picture,
  augmentation: Augmentation,
  window: Window,
  draw: Draw,
  frame: boolean,
): Picture {
  const { color, night, rain, fog } = augmentation;
  const result = look(picture, window);
  if (color > 0) jitterColor(result, color, draw('color'));
  happens(night, draw('night'), (random) => makeNight(result, random, frame));
  happens(fog, draw('fog'), (random) => makeFog(result, random, frame));
  happens(rain, draw('rain'), (random) => makeRain(result, random));
  const { data } = result;
  for (let i = 0; i < data.length; i++) data[i] = clamp(data[i]!, 0, 255);
  return result;
}

function happens(probability: number, random: Random, effect: (random: Random) => void): void {
  if (random() < probability) effect(random);
}
