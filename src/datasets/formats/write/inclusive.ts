/**
 * Boxes that include their last pixel: a reader takes `end - start + 1` for the size. In floating point the plain
 * `start + (size - 1)` often reads back as a neighbour of the size. Every size that was once read from such a file has
 * an end that gives it back bit for bit, and it lies within a few representable numbers of the plain one.
 */
const STEPS = 8;
const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** The representable number `steps` further from zero (or nearer, if negative). */
function neighbour(value: number, steps: number): number {
  float[0] = value;
  bits[0] = (bits[0] as bigint) + BigInt(steps);
  return float[0];
}

export const sizeOf = (start: number, end: number): number => end - start + 1;

/** The nearest end that reads back as `size`, if there is one; else the nearest of all. */
export function inclusiveEnd(start: number, size: number): number {
  const end = start + (size - 1);
  if (sizeOf(start, end) === size || !Number.isFinite(end)) return end;
  for (let step = 1; step <= STEPS; step += 1) {
    for (const near of [neighbour(end, step), neighbour(end, -step)]) {
      if (sizeOf(start, near) === size) return near;
    }
  }
  return end;
}

export const isExact = (start: number, size: number): boolean =>
  sizeOf(start, inclusiveEnd(start, size)) === size;
