import type { PlaceNames } from '../../catalog/place/lockPlaces.js';
import type { Frame, FrameBox } from '../formats/frame.js';

/** A box of a frame, or the whole picture, whose size is known when it is here. */
export interface ImportBox extends FrameBox {
  wholeImage?: boolean;
}

/** A frame of a label file or a row of a manifest, to be imported. */
export interface ImportItem extends Omit<Frame, 'boxes'> {
  boxes: ImportBox[] | null;
  /** Instead of recordedAt: by the wall clock of the place. */
  recordedLocal?: string | null;
  place?: (PlaceNames & { timeZone: string }) | null;
  /** Where its picture is on disk; null: it is not here. */
  picture: string | null;
}
