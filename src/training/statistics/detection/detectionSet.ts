/** The matches of a set of images in columns, from which any cell is computed, for the images as they are or resampled. */
import { bytes, doubles, integers, labels, masks, sharedIntegers } from '../columns.js';
import { Units } from '../units.js';
import type { ImageMatches, Presence } from './matches.js';
import { checkProtocol, type DetectionProtocol, type SizeRange, sizeRanges } from './protocol.js';

const PRESENCES: Presence[] = ['FOUND', 'FALSE', 'IGNORED', 'BELOW_THRESHOLD'];
const NOT_FOUND = -1;

/**
 * Takes images one by one. Holds 50 bytes a detection and 11 a truth, at most twice that in room to grow: 10,000
 * images with 25 of one and 20 of the other are 15 to 30 MB.
 *
 * Of detections of equal score those of the image that was added first come first, as pycocotools has them by id:
 * add images in the same order for the same answer.
 */
export class DetectionSet {
  readonly ranges: SizeRange[];
  /** What the bootstrap draws from. */
  readonly units = new Units();
  private readonly unit = integers();
  private readonly truths = { image: integers(), label: bytes(), ranges: integers(), foundAs: labels() };
  private readonly detections;

  constructor(
    readonly protocol: DetectionProtocol,
    readonly classes: number,
  ) {
    checkProtocol(protocol);
    this.ranges = sizeRanges(protocol);
    this.detections = Array.from({ length: classes }, () => ({
      score: doubles(),
      image: integers(),
      rank: bytes(),
      presence: bytes(),
      ranges: integers(),
      hits: this.ranges.map(masks),
      ignored: this.ranges.map(masks),
    }));
  }

  get images(): number {
    return this.unit.length;
  }

  /** Unit of each image, in memory that threads share. */
  imageUnits(): Int32Array {
    return sharedIntegers(this.images, (i) => this.unit.at(i));
  }

  /**
   * @param unit what is drawn as one: the drive of consecutive frames. null: the image itself.
   * @throws RangeError when the matches were made for other classes or sizes; nothing is added then.
   */
  add(matches: ImageMatches, unit: string | null = null): void {
    this.check(matches);
    const image = this.images;
    this.unit.push(this.units.indexOf(unit));
    for (const truth of matches.truths) {
      this.truths.image.push(image);
      this.truths.label.push(truth.label);
      this.truths.ranges.push(truth.ranges);
      this.truths.foundAs.push(truth.foundAs ?? NOT_FOUND);
    }
    const ranks = new Map<number, number>();
    for (const one of matches.detections) {
      const rank = ranks.get(one.label) ?? 0;
      ranks.set(one.label, rank + 1);
      const columns = this.detections[one.label]!;
      columns.score.push(one.score);
      columns.image.push(image);
      columns.rank.push(rank);
      columns.presence.push(PRESENCES.indexOf(one.presence));
      columns.ranges.push(one.ranges);
      columns.hits.forEach((column, r) => column.push(one.hits[r]!));
      columns.ignored.forEach((column, r) => column.push(one.ignored[r]!));
    }
  }

  private check({ truths, detections }: ImageMatches): void {
    for (const { label } of [...truths, ...detections])
      if (!(label >= 0 && label < this.classes))
        throw new RangeError(`DetectionSet: class ${label} is not below ${this.classes}`);
    if (detections.some(({ hits }) => hits.length !== this.ranges.length))
      throw new RangeError('DetectionSet: these matches were made with other bounds of sizes');
  }

  /** Detections of a class, the best first; of equals the first added first. */
  sorted(label: number): Int32Array {
    const { score } = this.detections[label]!;
    return Int32Array.from({ length: score.length }, (_, i) => i).sort(
      (a, b) => score.at(b) - score.at(a) || a - b,
    );
  }

  scoreOf(label: number, detection: number): number {
    return this.detections[label]!.score.at(detection);
  }

  /** Of the detections in `order` those that count in the range at some IoU threshold. */
  counting(label: number, range: number, order: Int32Array): Int32Array {
    const all = 2 ** this.protocol.iouThresholds.length - 1;
    const ignored = this.detections[label]!.ignored[range]!;
    return order.filter((i) => ignored.at(i) !== all);
  }

  imagesOf(label: number, detections: Int32Array): Int32Array {
    const { image } = this.detections[label]!;
    return detections.map((i) => image.at(i));
  }

  /** What `averagePrecision` takes: which of `detections` are right and which ignored. */
  marks(label: number, range: number, threshold: number, detections: Int32Array): Int32Array {
    const { hits, ignored } = this.detections[label]!;
    const bit = 1 << threshold;
    const marks = detections.map((i, place) => {
      if (ignored[range]!.at(i) & bit) return place * 2;
      return hits[range]!.at(i) & bit ? place * 2 + 1 : -1;
    });
    return marks.filter((mark) => mark >= 0);
  }

  /** Calls `take` with image, label and what it was found as (-1: not) of each truth of the range. */
  eachTruth(range: number, take: (image: number, label: number, foundAs: number) => void): void {
    const { image, label, ranges, foundAs } = this.truths;
    for (let i = 0; i < image.length; i++)
      if (ranges.at(i) & (1 << range)) take(image.at(i), label.at(i), foundAs.at(i));
  }

  /** Calls `take` with each detection from the score threshold on that counts in the range. */
  eachPresent(label: number, range: number, take: (image: number, found: boolean) => void): void {
    const { image, presence, ranges } = this.detections[label]!;
    for (let i = 0; i < image.length; i++) {
      const kind = PRESENCES[presence.at(i)];
      if ((kind === 'FOUND' || kind === 'FALSE') && ranges.at(i) & (1 << range))
        take(image.at(i), kind === 'FOUND');
    }
  }

  /** Calls `take` with the number of IoU thresholds at which each detection among the first `limit` is right. */
  eachHit(label: number, range: number, limit: number, take: (image: number, hits: number) => void): void {
    const { image, rank, hits } = this.detections[label]!;
    for (let i = 0; i < image.length; i++)
      if (rank.at(i) < limit) take(image.at(i), bitsOf(hits[range]!.at(i)));
  }
}

function bitsOf(mask: number): number {
  let bits = 0;
  for (let rest = mask; rest; rest &= rest - 1) bits++;
  return bits;
}
