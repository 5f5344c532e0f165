/** What is kept of an image once its detections have met its labels: all that any figure of any slice needs. */

/** Errors of a detection and of a truth after TIDE (Bolya et al. 2020, "TIDE: A General Toolbox …", section 2.2). */
export const ERROR_TYPES = [
  'CLASSIFICATION',
  'LOCALISATION',
  'BOTH',
  'DUPLICATE',
  'BACKGROUND',
  'MISSED',
] as const;
export type ErrorType = (typeof ERROR_TYPES)[number];

export interface TruthMatches {
  label: number;
  /** Bit r: it counts in size range r (of `sizeRanges`); 0: ignored everywhere. */
  ranges: number;
  /**
   * Label of the detection that found it at IoU .5 and the protocol's score threshold, whatever its colour; null:
   * not found.
   */
  foundAs: number | null;
  /** TIDE: no detection found it, nor would one have with the right class or place. */
  missed: boolean;
}

/** FOUND: it found a truth at IoU .5, whatever the colour; FALSE: none; IGNORED: it lies on an ignored truth. */
export type Presence = 'FOUND' | 'FALSE' | 'IGNORED' | 'BELOW_THRESHOLD';

export interface DetectionMatches {
  label: number;
  score: number;
  /** Per size range; bit t: at IoU threshold t it finds a truth of its class that counts in the range. */
  hits: number[];
  /** Per size range; bit t: it counts neither as right nor as wrong. Neither bit: a false positive. */
  ignored: number[];
  presence: Presence;
  /** Bit r: in which size ranges `presence` counts: those of the truth found, or else of its own box. */
  ranges: number;
  error: Exclude<ErrorType, 'MISSED'> | null;
}

/** JSON-able; `packMatches` makes about 30 bytes a detection of it. */
export interface ImageMatches {
  /** In the order given. */
  truths: TruthMatches[];
  /** Best first, in each class at most the protocol's last `maxDetections`. */
  detections: DetectionMatches[];
}
