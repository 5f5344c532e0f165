/** Whole frames at the network's size: decoded when asked for, kept as long as there is room. */
import sharp from 'sharp';
import { TrainingError } from '../error.js';

export interface Size {
  width: number;
  height: number;
}

export interface DecodedFrame {
  /** RGB, of the size asked for. */
  pixels: Uint8Array;
  /** Of the picture as it is displayed, after EXIF orientation: what boxes are drawn on. */
  native: Size;
}

/** 580 frames of 512×288. What does not fit is decoded anew in each epoch. */
const ROOM = 256e6;
/** Each may hold one full picture (2.8 MB at 1280×720). */
const CONCURRENCY = 4;

export class Frames {
  private readonly kept = new Map<number, DecodedFrame>();
  private room: number;

  /** @param room bytes of pixels that are kept */
  constructor(
    private readonly files: readonly string[],
    private readonly size: Size,
    room = ROOM,
  ) {
    this.room = room;
  }

  /**
   * In the order of the indices. Of frames that are read in a random order each epoch, those kept first serve as well
   * as any other choice.
   * @throws TrainingError PICTURE_UNREADABLE
   */
  async get(indices: Uint32Array): Promise<DecodedFrame[]> {
    const frames = new Array<DecodedFrame>(indices.length);
    const places = indices.keys();
    const work = async () => {
      // All workers draw from this one iterator.
      for (const place of places) frames[place] = await this.one(indices[place]!);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    return frames;
  }

  private async one(index: number): Promise<DecodedFrame> {
    const known = this.kept.get(index);
    if (known) return known;
    const frame = await decodeFrame(this.files[index]!, this.size);
    if (frame.pixels.length <= this.room && !this.kept.has(index)) {
      this.room -= frame.pixels.length;
      this.kept.set(index, frame);
    }
    return frame;
  }
}

/** Stretched to the size, both sides for themselves. @throws TrainingError PICTURE_UNREADABLE */
export async function decodeFrame(file: string, { width, height }: Size): Promise<DecodedFrame> {
  try {
    // Boxes are drawn on what people see: the EXIF orientation is applied, as at upload.
    const opened = sharp(file, { autoOrient: true });
    const { autoOrient: native } = await opened.metadata();
    const pixels = await opened
      .resize(width, height, { fit: 'fill', kernel: 'linear' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer();
    return { pixels: new Uint8Array(pixels), native };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new TrainingError('PICTURE_UNREADABLE', `Picture ${file} cannot be read: ${why}`, { cause });
  }
}

/** [frames, height, width, 3]; input = byte * scale + offset. */
export function frameValues(
  frames: readonly DecodedFrame[],
  { scale, offset }: { scale: number; offset: number },
): Float32Array {
  const length = frames[0]?.pixels.length ?? 0;
  const values = new Float32Array(frames.length * length);
  frames.forEach(({ pixels }, i) => {
    const from = i * length;
    for (let k = 0; k < length; k++) values[from + k] = pixels[k]! * scale + offset;
  });
  return values;
}
