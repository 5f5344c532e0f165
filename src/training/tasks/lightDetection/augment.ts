/** Training frames as they are shown in one batch: changed at random, their boxes along with them. */
import type { DecodedFrame } from '../../input/frames.js';
import { augmented, changesLight, moveBox, windowOf, type Draw } from '../../input/augment/index.js';
import { isStill } from '../../input/augment/geometry.js';
import type { Augmentation } from '../../parameters.js';
import type { Frame } from '../../protocol.js';

export interface Shown extends DecodedFrame {
  boxes: Frame['boxes'];
}

/** Of a light that the edge cuts off, so much must be left to be learnt from; what is less is ignored. */
export const LEAST_VISIBLE = 0.5;

export interface Changing {
  augmentation: Augmentation;
  draw: Draw;
  /** For each class the one that its mirror image is of; see mirror.ts. */
  mirrored: readonly (number | null)[];
}

export function showAtRandom(
  { pixels, native }: DecodedFrame,
  boxes: Frame['boxes'],
  size: { width: number; height: number },
  { augmentation, draw, mirrored }: Changing,
): Shown {
  // A box without a mirror image keeps its whole frame from being mirrored, unless nobody looks at its label.
  const mayFlip = boxes.every(({ label, ignore }) => ignore || (label !== null && mirrored[label] !== null));
  const window = windowOf(augmentation, size, draw, mayFlip);
  if (isStill(window) && !changesLight(augmentation)) return { pixels, native, boxes };
  const picture = { data: Float32Array.from(pixels), ...size };
  const { data } = augmented(picture, augmentation, window, draw, true);
  return {
    pixels: Uint8Array.from(data, Math.round),
    native,
    boxes: boxes.flatMap((box) => {
      const moved = moveBox(box, window, native);
      if (!moved) return [];
      const label = window.flip && box.label !== null ? mirrored[box.label]! : box.label;
      return [{ ...moved.box, label, ignore: box.ignore || moved.visible < LEAST_VISIBLE }];
    }),
  };
}
