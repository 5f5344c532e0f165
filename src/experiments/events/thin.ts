/** Fewer points of a curve, with its extremes: what a client gets that reads slower than a run writes. */
interface Point {
  name: string;
  split: string | null;
  condition: string | null;
  class: string | null;
  value: number;
}

/** A stretch keeps at most so many: first, last, least, greatest, and the first that is no number. */
const PER_STRETCH = 5;

/**
 * At most `most` points in their order (of many series at least one stretch each, so up to 5 for every series): each
 * series is cut into stretches of equal counts, and of each its first, last, least and greatest value stay, and one NaN.
 */
export function thin<P extends Point>(points: readonly P[], most: number): P[] {
  if (points.length <= most) return [...points];
  const series = new Map<string, number[]>();
  for (const [index, { name, split, condition, class: of }] of points.entries()) {
    const key = JSON.stringify([name, split, condition, of]);
    const found = series.get(key);
    if (found) found.push(index);
    else series.set(key, [index]);
  }
  const kept = new Set<number>();
  for (const indices of series.values()) {
    const share = Math.floor((most * indices.length) / points.length / PER_STRETCH);
    const length = Math.ceil(indices.length / Math.max(1, share));
    for (let from = 0; from < indices.length; from += length)
      for (const index of extremes(points, indices.slice(from, from + length))) kept.add(index);
  }
  return points.filter((_, index) => kept.has(index));
}

function extremes(points: readonly Point[], stretch: readonly number[]): number[] {
  const value = (index: number) => points[index]!.value;
  const numbers = stretch.filter((index) => !Number.isNaN(value(index)));
  const kept = [stretch[0]!, stretch.at(-1)!];
  const nan = stretch.find((index) => Number.isNaN(value(index)));
  if (nan !== undefined) kept.push(nan);
  if (numbers.length > 0) {
    kept.push(numbers.reduce((least, index) => (value(index) < value(least) ? index : least)));
    kept.push(numbers.reduce((greatest, index) => (value(index) > value(greatest) ? index : greatest)));
  }
  return kept;
}
