/**
 * What every label format is read into and written from: one picture and what somebody said about it. Readers and
 * writers know the format and this type, and nothing of the database.
 */
import type {
  Category,
  LightArrow,
  LightColor,
  LightRole,
  Scene,
  TimeOfDay,
  WeatherName,
} from '../../catalog/vocabulary.js';

export interface Frame {
  /** As the file names it, with `/` between folders; never absolute, never with `..`. */
  fileName: string;
  /** Pixels; missing where the format does not say and the picture is not there. */
  width?: number | null;
  height?: number | null;
  /** Lower-case hexadecimal, where the format carries it. */
  sha256?: string | null;
  recordedAt?: Date | null;
  latitude?: number | null;
  longitude?: number | null;
  drive?: string | null;
  weather?: `${WeatherName}` | null;
  timeOfDay?: `${TimeOfDay}` | null;
  scene?: `${Scene}` | null;
  /** Null: nobody has looked; empty: somebody has and found nothing. */
  boxes: FrameBox[] | null;
  /** TRAIN, VALIDATION or TEST where the format says. */
  split?: 'TRAIN' | 'VALIDATION' | 'TEST' | null;
  /** Where it stands: `labels.json:frames[12]`, `train.csv:14`. For messages. */
  position: string;
}

/** Pixels, continuous: x + width is the right edge. Readers convert from their format's convention. */
export interface FrameBox {
  category: `${Category}`;
  x: number;
  y: number;
  width: number;
  height: number;
  color?: `${LightColor}` | null;
  arrows?: `${LightArrow}`[];
  role?: `${LightRole}` | null;
  occluded?: boolean | null;
  truncated?: boolean | null;
  /** Missing: a person's. 0 to 1: a detector's. */
  score?: number | null;
  /** A region in which nothing counts (DontCare, iscrowd). */
  ignore?: boolean;
  /** The class as the file spells it, where ours is coarser. */
  label?: string | null;
}
