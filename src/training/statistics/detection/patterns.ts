/** What came of detections, each kind of it once: 250,000 detections of bench evaluate have 399 kinds. */
import type { DetectionMatches } from './matches.js';

export type Pattern = Pick<DetectionMatches, 'hits' | 'ignored' | 'presence' | 'ranges'>;

export class Patterns {
  private readonly known = new Map<string, number>();
  private readonly list: Pattern[] = [];

  indexOf({ hits, ignored, presence, ranges }: Pattern): number {
    const key = `${presence} ${ranges} ${hits.join()} ${ignored.join()}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.known.set(key, this.list.length);
    return this.list.push({ hits, ignored, presence, ranges }) - 1;
  }

  /** A number for each pattern. */
  map(number: (pattern: Pattern) => number): Int32Array {
    return Int32Array.from(this.list, number);
  }
}
