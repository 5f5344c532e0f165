/** What an export leaves out: stated per format beforehand, counted while writing. */
import type { Frame, FrameBox } from '../frame.js';

/** Of a version: `place` in words. */
type Placed = Frame & { place?: string | null };

export interface Loss {
  /** The field of an image or a box. */
  what: string;
  why: string;
  /** True where an image loses something. */
  image?(frame: Placed): boolean;
  /** True where a box loses something. */
  box?(box: FrameBox): boolean;
}

export interface LossCount {
  what: string;
  why: string;
  /** How many images or boxes had something there that the export lacks. */
  images: number;
  boxes: number;
}

export class Losses {
  private readonly counts: LossCount[];

  constructor(private readonly losses: readonly Loss[]) {
    this.counts = losses.map(({ what, why }) => ({ what, why, images: 0, boxes: 0 }));
  }

  see(frame: Placed): void {
    for (const [index, loss] of this.losses.entries()) {
      const count = this.counts[index] as LossCount;
      if (loss.image?.(frame)) count.images += 1;
      if (!loss.box || !frame.boxes) continue;
      for (const box of frame.boxes) if (loss.box(box)) count.boxes += 1;
    }
  }

  /** All that the format cannot carry, zeros too: the reader of a report sees what was looked at. */
  get list(): readonly LossCount[] {
    return this.counts;
  }
}

const present = (value: unknown): boolean => value !== null && value !== undefined;

/** Fields for which a format has no place at all. */
export const noPlace = (
  fields: { image?: (keyof Frame)[]; box?: (keyof FrameBox)[] },
  why = 'The format has no place for it.',
): Loss[] => [
  ...(fields.image ?? []).map((what) => ({ what, why, image: (frame: Frame) => present(frame[what]) })),
  ...(fields.box ?? []).map((what) => ({
    what,
    why,
    box: (box: FrameBox) => (what === 'arrows' ? (box.arrows ?? []).length > 0 : present(box[what])),
  })),
];

/** Of every format: places are rows of their own in the catalog. */
export const PLACE: Loss = {
  what: 'place',
  why: 'The format has no place for country, prefecture and city; the position of the image may be there.',
  image: ({ place }) => present(place),
};
