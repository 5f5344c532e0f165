/** A decoded picture that augmentation works on, and what its effects share. */

export interface Picture {
  /** RGB, row by row, 0 to 255. */
  data: Float32Array;
  width: number;
  height: number;
}

export type Random = () => number;

export const between = (random: Random, low: number, high: number): number => low + (high - low) * random();

/** Comparisons, as `Math` costs more within the loops over pixels. */
export const clamp = (x: number, low: number, high: number): number => (x < low ? low : x > high ? high : x);

/** 0 up to `from`, 1 from `to`, smooth between. */
export function smoothstep(from: number, to: number, x: number): number {
  const t = clamp((x - from) / (to - from), 0, 1);
  return t * t * (3 - 2 * t);
}

/** Rec. 601, 0 to 255. */
export const luma = (r: number, g: number, b: number): number => 0.299 * r + 0.587 * g + 0.114 * b;

export function meanLuma({ data }: Picture): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += luma(data[i]!, data[i + 1]!, data[i + 2]!);
  return (3 * sum) / data.length;
}

/**
 * Mean over a square of 2·radius + 1, edges repeated, twice over, which looks like a Gauss blur. Time does not grow
 * with the radius.
 */
export function blurred(
  values: Float32Array,
  width: number,
  height: number,
  channels: number,
  radius: number,
): Float32Array {
  if (radius < 1) return values.slice();
  let from = values;
  for (let pass = 0; pass < 2; pass++) {
    const rows = new Float32Array(values.length);
    for (let y = 0; y < height; y++)
      for (let c = 0; c < channels; c++) line(from, rows, y * width * channels + c, channels, width, radius);
    const columns = new Float32Array(values.length);
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        line(rows, columns, x * channels + c, width * channels, height, radius);
    from = columns;
  }
  return from;
}

function line(
  from: Float32Array,
  to: Float32Array,
  start: number,
  step: number,
  n: number,
  radius: number,
): void {
  const at = (i: number) => from[start + clamp(i, 0, n - 1) * step]!;
  let sum = 0;
  for (let i = -radius; i <= radius; i++) sum += at(i);
  for (let i = 0; i < n; i++) {
    to[start + i * step] = sum / (2 * radius + 1);
    sum += at(i + radius + 1) - at(i - radius);
  }
}
