/** Flip, crop, scale and shift: which part of a picture is seen, and where its boxes are then. */
import type { Augmentation } from '../../parameters.js';
import { between, clamp, type Picture, type Random } from './picture.js';

/** The window that is seen of a picture, in shares of its sides; it may reach beyond the edges. */
export interface Window {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Left and right change places. */
  flip: boolean;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** @param mayFlip false for what a mirror would turn into something else; see mirror.ts */
export function drawWindow(
  { flip, crop, scale, shift }: Augmentation,
  size: { width: number; height: number },
  random: Random,
  mayFlip: boolean,
): Window {
  const flipped = random() < flip && mayFlip;
  // As often larger as smaller by the same factor.
  const zoom = (1 + scale) ** between(random, -1, 1);
  const [left, width] = side(size.width, { crop, zoom, shift }, random);
  const [top, height] = side(size.height, { crop, zoom, shift }, random);
  return { left, top, width, height, flip: flipped };
}

function side(
  pixels: number,
  { crop, zoom, shift }: { crop: number; zoom: number; shift: number },
  random: Random,
): [start: number, length: number] {
  const cut = crop * random();
  const cutBefore = cut * random();
  const length = (1 - cut) / zoom;
  const centre = cutBefore + (1 - cut) / 2;
  const most = Math.round(shift * pixels);
  const moved = Math.floor(random() * (2 * most + 1)) - most;
  return [centre - length / 2 - moved / pixels, length];
}

export const isStill = ({ left, top, width, height, flip }: Window): boolean =>
  !flip && left === 0 && top === 0 && width === 1 && height === 1;

/** What the window sees, at the picture's own size; beyond the edges these repeat. */
export function look({ data, width, height }: Picture, window: Window): Picture {
  if (isStill(window)) return { data: data.slice(), width, height };
  const columns = taps(width, window.left, window.width, window.flip);
  const rows = taps(height, window.top, window.height, false);
  const seen = new Float32Array(data.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const above = rows.first[y]! * width;
    const below = rows.second[y]! * width;
    const v = rows.share[y]!;
    for (let x = 0; x < width; x++) {
      const left = columns.first[x]!;
      const right = columns.second[x]!;
      const u = columns.share[x]!;
      for (let c = 0; c < 3; c++) {
        const upper = data[(above + left) * 3 + c]! * (1 - u) + data[(above + right) * 3 + c]! * u;
        const lower = data[(below + left) * 3 + c]! * (1 - u) + data[(below + right) * 3 + c]! * u;
        seen[to++] = upper * (1 - v) + lower * v;
      }
    }
  }
  return { data: seen, width, height };
}

/** Bilinear: the two source pixels of each target pixel, and the second's share. */
function taps(pixels: number, start: number, length: number, flip: boolean) {
  const first = new Int32Array(pixels);
  const second = new Int32Array(pixels);
  const share = new Float32Array(pixels);
  const inside = (i: number) => clamp(i, 0, pixels - 1);
  for (let i = 0; i < pixels; i++) {
    const seen = (flip ? pixels - 1 - i : i) + 0.5;
    // Whole pixels stay whole: 1e-9 is far below what a share of a pixel shows.
    const source = start * pixels + seen * length - 0.5;
    const rounded = Math.abs(source - Math.round(source)) < 1e-9 ? Math.round(source) : source;
    const floor = Math.floor(rounded);
    first[i] = inside(floor);
    second[i] = inside(floor + 1);
    share[i] = rounded - floor;
  }
  return { first, second, share };
}

/**
 * The box as the window shows it, cut at the picture's edges, and how much of it is still there, by area.
 * @returns null where nothing is
 */
export function moveBox<B extends Box>(
  box: B,
  window: Window,
  size: { width: number; height: number },
): { box: B; visible: number } | null {
  const scaleX = 1 / window.width;
  const scaleY = 1 / window.height;
  const width = box.width * scaleX;
  const height = box.height * scaleY;
  const unflipped = (box.x - window.left * size.width) * scaleX;
  const x = window.flip ? size.width - unflipped - width : unflipped;
  const y = (box.y - window.top * size.height) * scaleY;
  const left = Math.max(x, 0);
  const top = Math.max(y, 0);
  const seenWidth = Math.min(x + width, size.width) - left;
  const seenHeight = Math.min(y + height, size.height) - top;
  if (seenWidth <= 0 || seenHeight <= 0) return null;
  return {
    box: { ...box, x: left, y: top, width: seenWidth, height: seenHeight },
    visible: (seenWidth * seenHeight) / (width * height),
  };
}
