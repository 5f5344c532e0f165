/** Windows of training frames: lights are small and rare, and most of a whole frame is road and sky. */
import type { Random } from '../../input/augment/picture.js';
import type { Size } from '../../input/frames.js';
import type { Frame } from '../../protocol.js';
import { LEAST_VISIBLE, type Shown } from './augment.js';

/** So many windows have a light in them, if the frame has one; the others lie anywhere. */
const WITH_LIGHT = 2 / 3;

/**
 * @param size of the frame's pixels @param window not larger
 * @returns the window's pixels, its native size (of what it shows, so that boxes keep their scale) and its boxes
 */
export function cutAtRandom(shown: Shown, size: Size, window: Size, random: Random): Shown {
  const [perX, perY] = [shown.native.width / size.width, shown.native.height / size.height];
  const lights = shown.boxes.filter(({ ignore }) => !ignore);
  const light = random() < WITH_LIGHT ? lights[Math.floor(random() * lights.length)] : undefined;
  const centre = light && {
    x: (light.x + light.width / 2) / perX,
    y: (light.y + light.height / 2) / perY,
  };
  const left = start(size.width, window.width, centre?.x, random);
  const top = start(size.height, window.height, centre?.y, random);
  const native = { width: window.width * perX, height: window.height * perY };
  return {
    pixels: cut(shown.pixels, size.width, { left, top, ...window }),
    native,
    boxes: shown.boxes.flatMap((box) => moved(box, left * perX, top * perY, native)),
  };
}

/** Anywhere, or anywhere that has `centre` inside. */
function start(whole: number, part: number, centre: number | undefined, random: Random): number {
  const most = whole - part;
  if (centre === undefined) return Math.floor(random() * (most + 1));
  const from = Math.max(0, Math.ceil(centre - part));
  const to = Math.min(most, Math.floor(centre));
  return Math.min(most, from + Math.floor(random() * (Math.max(0, to - from) + 1)));
}

function cut(pixels: Uint8Array, width: number, window: Size & { left: number; top: number }): Uint8Array {
  const row = window.width * 3;
  const values = new Uint8Array(row * window.height);
  for (let y = 0; y < window.height; y++) {
    const from = ((window.top + y) * width + window.left) * 3;
    values.set(pixels.subarray(from, from + row), y * row);
  }
  return values;
}

/** What is cut off by more than half is no light to learn from, and no road either: it is ignored. */
function moved(box: Frame['boxes'][number], left: number, top: number, native: Size): Frame['boxes'] {
  const [x, y] = [Math.max(0, box.x - left), Math.max(0, box.y - top)];
  const width = Math.min(native.width, box.x + box.width - left) - x;
  const height = Math.min(native.height, box.y + box.height - top) - y;
  if (!(width > 0 && height > 0)) return [];
  const visible = (width * height) / (box.width * box.height);
  return [{ ...box, x, y, width, height, ignore: box.ignore || visible < LEAST_VISIBLE }];
}
