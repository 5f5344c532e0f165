/** One grid of 8-bit RGB pixels, row by row: a whole picture shrunk to GRID × GRID. */
export const GRID = 60;

/** Below this darkness it is day, from it on it is night. See `measureLight` for the measured margins. */
export const DARKNESS_NIGHT_THRESHOLD = 0.64;

const UPPER_ROWS = GRID / 3;
const BRIGHTEST_LEFT_OUT = 0.1;

export interface Light {
  /** 1 − upperLuma: 0 is white, 1 is black. */
  darkness: number;
  /** Mean luma of the whole picture / 255. */
  brightness: number;
  /** Mean luma / 255 of the upper third without its brightest tenth. */
  upperLuma: number;
}

/**
 * How dark it is where the picture was taken.
 *
 *   luma       = (0.299 R + 0.587 G + 0.114 B) / 255, Rec. 601 on gamma-encoded sRGB: JPEG's own Y
 *   brightness = mean luma of the whole picture
 *   upperLuma  = mean luma of the upper third, its brightest 10 % left out
 *   darkness   = 1 − upperLuma;   night ⇔ darkness ≥ 0.64
 *
 * WHY the upper third: that is where the sky is, and the sky separates day from night when the street does not —
 * head-lamps, shop fronts and wet roads lift the lower part of a night photo to luma 0.46, above that of 30 of the 40
 * day photos. WHY not its brightest tenth: lamps, lit signs and windows are few pixels and bright.
 *
 * Measured on data/day-night (80 photos), darkest day photo − brightest night photo in luma, and how many are right
 * when the threshold is fitted on the other cameras only (leave one camera out):
 *
 *   whole picture, mean            −0.000   77/80
 *   whole picture, median          −0.079   worse
 *   upper half, mean                0.033   78/80
 *   upper third, mean               0.082   80/80
 *   upper third, trimmed (this)     0.097   80/80   night ≤ 0.309 < threshold 0.36 < 0.405 ≤ day
 *   upper third, median             0.102   80/80, but jumps where roofs and sky share the third half and half
 *
 * On the 9 daytime dash-camera photos of data/street upperLuma is 0.55 or more. All 89 photos stay right when they
 * are made 10 % darker or 15 % brighter, warmer or cooler, blurred, halved or saved at JPEG quality 20.
 *
 * Where it ends: cut off the upper quarter of each photo and 72 of 89 stay right, because the sky is gone. So a camera
 * that looks at the ground, a tunnel, or snow under city lights is measured as it looks; the sun's altitude says what
 * time it is, and the two may disagree in the catalog. Dusk has no darkness of its own.
 */
export function measureLight(rgb: Uint8Array): Light {
  const luma = new Float64Array(GRID * GRID);
  for (let i = 0; i < luma.length; i++) {
    luma[i] = (0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!) / 255;
  }
  const upper = luma.slice(0, UPPER_ROWS * GRID).sort();
  const upperLuma = mean(upper.subarray(0, Math.round(upper.length * (1 - BRIGHTEST_LEFT_OUT))));
  return { darkness: 1 - upperLuma, brightness: mean(luma), upperLuma };
}

/** The sensor's verdict. Dawn and dusk have no darkness of their own: only the sun's altitude tells them. */
export function timeOfDayFromDarkness(darkness: number): 'DAY' | 'NIGHT' {
  return darkness >= DARKNESS_NIGHT_THRESHOLD ? 'NIGHT' : 'DAY';
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
