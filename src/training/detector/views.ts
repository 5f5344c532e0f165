/** What the network is shown of a picture: all of it, and its quarters, in which small things are twice as large. */
import { access } from 'node:fs/promises';
import sharp from 'sharp';
import { TrainingError } from '../error.js';
import type { Found } from './boxes.js';

/** Side of the square that the network takes. */
export const SIDE = 512;
/** The picture is squeezed onto this square, of which each quarter is one view without scaling; they share 102 of 512. */
const CANVAS = 922;
const STEP = CANVAS - SIDE;
/** A box this near an inner edge of its quarter is cut off there: another view has it whole. */
const CUT = 4;
/** As the catalog takes them. */
const MAX_PIXELS = 40e6;

export interface View {
  /** Of the canvas. */
  left: number;
  top: number;
  /** Canvas pixels a view pixel: 1 for a quarter. */
  scale: number;
  /** RGB, SIDE × SIDE. */
  pixels: Uint8Array;
}

export interface Views {
  /** Of the picture as it is displayed, after EXIF orientation. */
  width: number;
  height: number;
  views: View[];
}

/**
 * One decode. 2.5 MB of pixels whatever the size of the picture. Squeezed, not padded to a square: measured on the
 * nine photos of data/street the lights' mean score is 0.44 squeezed and 0.40 padded.
 * @throws TrainingError PICTURE_UNREADABLE; as the file system does where the file is missing
 */
export async function viewsOf(file: string, tiles: boolean): Promise<Views> {
  // libvips says of a missing file what it says of a broken one.
  await access(file);
  const opened = sharp(file, { limitInputPixels: MAX_PIXELS, failOn: 'error', autoOrient: true });
  try {
    const { autoOrient: size } = await opened.metadata();
    const side = tiles ? CANVAS : SIDE;
    const canvas = await opened
      .resize(side, side, { fit: 'fill', kernel: 'linear' })
      .flatten()
      .toColourspace('srgb')
      .raw()
      .toBuffer();
    const views = tiles
      ? await cut(canvas)
      : [{ left: 0, top: 0, scale: CANVAS / SIDE, pixels: new Uint8Array(canvas) }];
    return { ...size, views };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new TrainingError('PICTURE_UNREADABLE', `Picture ${file} cannot be read: ${why}`, { cause });
  }
}

async function cut(canvas: Buffer): Promise<View[]> {
  const raw = { width: CANVAS, height: CANVAS, channels: 3 as const };
  const whole = await sharp(canvas, { raw }).resize(SIDE, SIDE, { kernel: 'linear' }).raw().toBuffer();
  const views: View[] = [{ left: 0, top: 0, scale: CANVAS / SIDE, pixels: whole }];
  for (const top of [0, STEP])
    for (const left of [0, STEP]) {
      const pixels = await sharp(canvas, { raw })
        .extract({ left, top, width: SIDE, height: SIDE })
        .raw()
        .toBuffer();
      views.push({ left, top, scale: 1, pixels });
    }
  return views;
}

/** A box of the view's pixels as one of the picture's; null where the view's edge cuts it, or nothing of it is left. */
export function inPicture(box: Found, { left, top, scale }: View, picture: Views): Found | null {
  const [x, y] = [Math.max(0, box.x), Math.max(0, box.y)];
  const [right, bottom] = [Math.min(SIDE, box.x + box.width), Math.min(SIDE, box.y + box.height)];
  if (!(right > x && bottom > y)) return null;
  const quarter = scale === 1;
  if (quarter && (left > 0 ? x < CUT : right > SIDE - CUT)) return null;
  if (quarter && (top > 0 ? y < CUT : bottom > SIDE - CUT)) return null;
  const [perX, perY] = [picture.width / CANVAS, picture.height / CANVAS];
  return {
    ...box,
    x: (left + x * scale) * perX,
    y: (top + y * scale) * perY,
    width: (right - x) * scale * perX,
    height: (bottom - y) * scale * perY,
  };
}
