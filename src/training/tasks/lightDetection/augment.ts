/** Training frames as they are shown in one batch: changed at random, their boxes along with them. */
import type { DecodedFrame } from '../../input/frames.js';
import { augmented, changesLight, drawsOf, moveBox, windowOf, type Draw } from '../../input/augment/index.js';
import { isStill } from '../../input/augment/geometry.js';
import type { Augmentation } from '../../parameters.js';
import type { Frame } from '../../protocol.js';

export interface Shown extends DecodedFrame {
  boxes: Frame['boxes'];
}

/** Of a light that the edge cuts off, so much must be left to be learnt from; what is less is ignored. */
const LEAST_VISIBLE = 0.5;

/** @param random one number a frame is drawn from it, from which all else of the frame follows */
export function showAtRandom(
  { pixels, native }: DecodedFrame,
  boxes: Frame['boxes'],
  size: { width: number; height: number },
  augmentation: Augmentation,
  random: () => number,
): Shown {
  const draw: Draw = drawsOf(Math.floor(random() * 2 ** 32), 0, 0);
  // Colours are the classes, and no mirror changes them.
  const window = windowOf(augmentation, size, draw, true);
  if (isStill(window) && !changesLight(augmentation)) return { pixels, native, boxes };
  const picture = { data: Float32Array.from(pixels), ...size };
  const { data } = augmented(picture, augmentation, window, draw, true);
  return {
    pixels: Uint8Array.from(data, Math.round),
    native,
    boxes: boxes.flatMap((box) => {
      const moved = moveBox(box, window, native);
      if (!moved) return [];
      return [{ ...moved.box, ignore: box.ignore || moved.visible < LEAST_VISIBLE }];
    }),
  };
}
