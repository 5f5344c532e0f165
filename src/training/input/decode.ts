/** From an encoded picture to the pixels that a network is fed: what the decoder's thread does, and its cache holds. */
import sharp from 'sharp';
import { TrainingError } from '../error.js';
import { cropRegion, unionOf, type Box } from './crop.js';
import type { Preprocessing } from './preprocessing.js';

export interface Size {
  width: number;
  height: number;
}

/** A whole frame stretched to a size, both sides for themselves. */
export interface FrameRequest extends Size {
  kind: 'FRAME';
}

/** Squares of `inputSize`, one a box; null is the whole picture. */
export interface CropsRequest {
  kind: 'CROPS';
  boxes: (Box | null)[];
  preprocessing: Pick<Preprocessing, 'inputSize' | 'crop' | 'resize'>;
}
export type DecodeRequest = FrameRequest | CropsRequest;

export interface Decoded {
  /** RGB bytes, rows first; crops one after the other. */
  pixels: Uint8Array;
  /** Of the picture as it is displayed, after EXIF orientation: what boxes are drawn on. */
  native: Size;
}

export const pixelBytes = (request: DecodeRequest): number =>
  request.kind === 'FRAME'
    ? request.width * request.height * 3
    : request.boxes.length * request.preprocessing.inputSize ** 2 * 3;

/** What errors call it. */
export interface Source {
  file: string;
  /** Of the samples, one a crop. */
  names?: readonly string[];
}

/** @throws TrainingError PICTURE_UNREADABLE, BOX_OUTSIDE_PICTURE */
export async function decode(encoded: Buffer, request: DecodeRequest, source: Source): Promise<Decoded> {
  try {
    return await (request.kind === 'FRAME'
      ? decodeFrame(encoded, request)
      : decodeCrops(encoded, request, source));
  } catch (cause) {
    throw unreadable(source.file, cause);
  }
}

export function unreadable(file: string, cause: unknown): TrainingError {
  if (cause instanceof TrainingError) return cause;
  const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new TrainingError('PICTURE_UNREADABLE', `Picture ${file} cannot be read: ${why}`, { cause });
}

async function decodeFrame(encoded: Buffer, { width, height }: FrameRequest): Promise<Decoded> {
  // Boxes are drawn on what people see: the EXIF orientation is applied, as at upload.
  const opened = sharp(encoded, { autoOrient: true });
  const { autoOrient: native } = await opened.metadata();
  const pixels = await opened
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer();
  return { pixels: new Uint8Array(pixels), native };
}

async function decodeCrops(encoded: Buffer, request: CropsRequest, source: Source): Promise<Decoded> {
  const { inputSize, resize, crop } = request.preprocessing;
  const opened = sharp(encoded, { autoOrient: true });
  const { autoOrient: native } = await opened.metadata();
  const regions = request.boxes.map((box, i) => {
    const region = box ? cropRegion(box, native, crop.margin) : { left: 0, top: 0, ...native };
    if (!region) throw outside(native, source.file, source.names?.[i] ?? `number ${i}`);
    return region;
  });
  // Rows below the lowest crop are not decoded: half the time of a picture whose lights hang in its upper half.
  const around = unionOf(regions);
  const { data, info } = await opened
    .extract(around)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: 3 as const };
  const pixels = new Uint8Array(pixelBytes(request));
  for (const [i, { left, top, width, height }] of regions.entries()) {
    const { fit, kernel } = resize;
    const place = { left: left - around.left, top: top - around.top, width, height };
    const cut = sharp(data, { raw }).extract(place).resize(inputSize, inputSize, { fit, kernel });
    pixels.set(await cut.raw().toBuffer(), i * inputSize ** 2 * 3);
  }
  return { pixels, native };
}

const outside = ({ width, height }: Size, file: string, name: string) =>
  new TrainingError(
    'BOX_OUTSIDE_PICTURE',
    `Sample ${name}: its box has no pixel in ${file} (${width}×${height}).`,
  );
