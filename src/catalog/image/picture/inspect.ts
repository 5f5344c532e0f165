import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { MEDIA_TYPES, PICTURE_FORMATS, reachesItsEnd, sniffFormat, type PictureFormat } from './container.js';
import { GRID, measureLight, type Light } from './darkness.js';
import { PictureError } from './error.js';
import { perceptualHash } from './perceptualHash.js';

/** What the catalog learns from the bytes of a picture. */
export interface PictureFacts extends Light {
  format: PictureFormat;
  mediaType: string;
  /**
   * As displayed, that is after the EXIF orientation: boxes are drawn on what people see, and a phone held upright
   * stores its pixels lying. Whoever crops must turn the pixels as well (sharp's `autoOrient`).
   */
  width: number;
  height: number;
  /** 64 bits as 16 hexadecimal digits. */
  perceptualHash: string;
}

export interface PictureLimits {
  /**
   * 40 Mpx is above every road camera (at most 12 Mpx). One decode of the limit takes at most 130 MB (progressive
   * JPEG, interlaced PNG: 3 bytes per pixel), AVIF 700 MB (18 bytes per pixel), everything else below 30 MB.
   */
  maxPixels: number;
  maxBytes: number;
  /** Whole seconds. The slowest picture within the limits, an AVIF, takes 1.3 s on two cores. */
  timeoutSeconds: number;
}

export const LIMITS: PictureLimits = { maxPixels: 40e6, maxBytes: 64 * 2 ** 20, timeoutSeconds: 20 };

/**
 * Decodes the whole picture once and says what it is. Throws `PictureError` for what the catalog does not take;
 * an unreadable path throws as the file system does.
 */
export async function inspectPicture(
  input: Buffer | string,
  limits: Partial<PictureLimits> = {},
): Promise<PictureFacts> {
  const within = { ...LIMITS, ...limits };
  const bytes = await readBytes(input, within.maxBytes);
  const format = sniffFormat(bytes);
  if (!format) throw unsupported();
  const size = await readSize(bytes, format, within);
  if (!reachesItsEnd(format, bytes)) throw truncated();
  const rgb = await decodeGrid(bytes, within);
  return {
    format,
    mediaType: MEDIA_TYPES[format],
    ...size,
    ...measureLight(rgb),
    perceptualHash: perceptualHash(rgb),
  };
}

async function readBytes(input: Buffer | string, maxBytes: number): Promise<Buffer> {
  const length = typeof input === 'string' ? (await stat(input)).size : input.length;
  if (length === 0) throw new PictureError('PICTURE_EMPTY', 'The file has no bytes: upload it again.');
  if (length > maxBytes) {
    throw new PictureError(
      'PICTURE_TOO_LARGE',
      `The file has ${length} bytes, more than the ${maxBytes} allowed: save it smaller or compress it more.`,
    );
  }
  return typeof input === 'string' ? readFile(input) : input;
}

/** From the header alone, so that a bomb is refused before a pixel is decoded. */
async function readSize(bytes: Buffer, format: PictureFormat, limits: PictureLimits) {
  let header;
  try {
    // No limit here: the header is cheap, and "how large is it?" makes the better message.
    header = await sharp(bytes, { limitInputPixels: false, failOn: 'none' }).metadata();
  } catch (cause) {
    throw reachesItsEnd(format, bytes) ? damaged(cause) : truncated(cause);
  }
  const { width, height } = header.autoOrient;
  if (width * height > limits.maxPixels) {
    throw new PictureError(
      'PICTURE_TOO_LARGE',
      `The picture has ${width} × ${height} pixels, more than the ${limits.maxPixels} allowed: scale it down.`,
    );
  }
  return { width, height };
}

async function decodeGrid(bytes: Buffer, limits: PictureLimits): Promise<Uint8Array> {
  const open = (): Sharp =>
    // 'warning' is the strictest: none of 1,276 real photos warns. A JPEG has no checksum, so a flipped byte that
    // still decodes passes here; the catalog's SHA-256 is what proves that the bytes are those that were sent.
    sharp(bytes, { limitInputPixels: limits.maxPixels, failOn: 'warning', autoOrient: true }).timeout({
      seconds: limits.timeoutSeconds,
    });
  try {
    // JPEG and WebP are decoded at 1/2, 1/4 or 1/8 size here: every coefficient is still read, as the tests show.
    return await open().resize(GRID, GRID, { fit: 'fill' }).flatten().toColourspace('srgb').raw().toBuffer();
  } catch (cause) {
    if (cause instanceof Error && /timeout/i.test(cause.message)) throw tooSlow(limits, cause);
    throw damaged(cause);
  }
}

const unsupported = () =>
  new PictureError(
    'PICTURE_UNSUPPORTED',
    `This is not a picture that the catalog takes: save it as ${PICTURE_FORMATS.join(', ')} and upload that.`,
  );

const truncated = (cause?: unknown) =>
  new PictureError('PICTURE_TRUNCATED', 'The picture is cut off: upload the whole file again.', { cause });

export const damaged = (cause: unknown) =>
  new PictureError(
    'PICTURE_DAMAGED',
    'The picture does not decode: copy the file from its source again, or save it anew.',
    { cause },
  );

export const tooSlow = (limits: PictureLimits, cause: unknown) =>
  new PictureError(
    'PICTURE_TOO_LARGE',
    `The picture did not decode within ${limits.timeoutSeconds} s: save it smaller, or as a baseline JPEG.`,
    { cause },
  );
