/** Whole frames at the network's size: decoded when asked for, kept as long as there is room. */
import type { Decoded, Size } from './decode.js';
import type { CacheSettings } from './decodedCache.js';
import { Decoder } from './decoder.js';

export type { Size } from './decode.js';
/** RGB of the size asked for. */
export type DecodedFrame = Decoded;

/** 580 frames of 512×288. What does not fit is fetched anew in each epoch. */
const ROOM = 256e6;

export class Frames {
  private readonly kept = new Map<number, DecodedFrame>();
  /** Those asked for but not yet used: as many as two batches. */
  private readonly coming = new Map<number, Promise<DecodedFrame>>();
  private readonly decoder: Decoder;
  private room: number;

  /**
   * @param room bytes of pixels that are kept
   * @param cache null keeps nothing on disk
   */
  constructor(
    private readonly files: readonly string[],
    private readonly size: Size,
    { room = ROOM, cache = null }: { room?: number; cache?: CacheSettings | null } = {},
  ) {
    this.room = room;
    this.decoder = new Decoder(cache);
  }

  /** Begins to decode these; what fails is said by `get`. */
  prefetch(indices: Uint32Array): void {
    for (const index of indices) this.one(index).catch(() => undefined);
  }

  /**
   * In the order of the indices. Of frames that are read in a random order each epoch, those kept first serve as well
   * as any other choice.
   * @throws TrainingError PICTURE_UNREADABLE
   */
  async get(indices: Uint32Array): Promise<DecodedFrame[]> {
    this.prefetch(indices);
    const frames = await Promise.all(Array.from(indices, (index) => this.one(index)));
    indices.forEach((index, i) => this.keep(index, frames[i]!));
    return frames;
  }

  close(): void {
    this.decoder.close();
  }

  private one(index: number): Promise<DecodedFrame> {
    const known = this.kept.get(index);
    if (known) return Promise.resolve(known);
    const coming =
      this.coming.get(index) ??
      this.decoder.decode({ file: this.files[index]! }, { kind: 'FRAME', ...this.size });
    this.coming.set(index, coming);
    return coming;
  }

  private keep(index: number, frame: DecodedFrame): void {
    this.coming.delete(index);
    if (this.kept.has(index) || frame.pixels.length > this.room) return;
    this.room -= frame.pixels.length;
    this.kept.set(index, frame);
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
