/** What a detection evaluation is measured by, and the boxes that go into it. */

/** The part of an evaluation protocol that decides what matches what. */
export interface DetectionProtocol {
  /** IoU from which a detection finds a truth, ascending; at most 16. */
  iouThresholds: number[];
  /** Detections of a class counted in an image, ascending; the last holds for AP, each for its AR. */
  maxDetections: number[];
  /** Detections below are left out of recall, precision, colours and the split of errors; AP and AR take all. */
  scoreThreshold: number;
  /** Bounds of the bins of width in px, ascending: [8, 16, 32] makes <8, 8–16, 16–32, ≥32. */
  sizeBounds: number[];
  /** Bounds of COCO's sizes in px², ascending; both ends belong to a bin. Missing: 32², 96². */
  areaBounds?: number[];
}

/** A labelled box in native pixels, continuous coordinates: [x, x + width). */
export interface Truth {
  /** Index of the class. */
  label: number;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Neither to be found nor wrong when found. */
  ignore: boolean;
  /** A region of many objects: ignored, and it may absorb any number of detections. */
  crowd?: boolean;
  /** px², as COCO's segmentation has it; missing: width × height. */
  area?: number;
}

export interface Detected {
  label: number;
  /** Any finite number; the higher, the surer. */
  score: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** `numpy.linspace(.5, .95, 10)`, which pycocotools uses: the ninth is not .9 but the number before it. */
export const COCO_IOU_THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95];
export const COCO_AREA_BOUNDS = [32 ** 2, 96 ** 2];

/** COCO's protocol with domain.md's bins of width. */
export const COCO_PROTOCOL: DetectionProtocol = {
  iouThresholds: COCO_IOU_THRESHOLDS,
  maxDetections: [1, 10, 100],
  scoreThreshold: 0.5,
  sizeBounds: [8, 16, 32],
  areaBounds: COCO_AREA_BOUNDS,
};

/** IoU at which a detection finds a light whatever its colour, and TIDE's foreground threshold. */
export const FOUND_IOU = 0.5;

/**
 * A range of sizes that figures are given for. Range 0 holds every size, then come the bins of area, then those of
 * width; a range's place in the list is its bit in the masks of `ImageMatches`.
 */
export interface SizeRange {
  kind: 'ALL' | 'AREA' | 'WIDTH';
  /** Place among its kind: width bin 0 is the narrowest. */
  bin: number;
  holds: (box: { width: number; height: number; area?: number }) => boolean;
}

/** pycocotools' bound of everything: 1e5 px squared. */
const ANY_AREA = 1e5 ** 2;

const areaOf = (box: { width: number; height: number; area?: number }) => box.area ?? box.width * box.height;

/** At most 31, as they share a mask. */
export function sizeRanges(protocol: DetectionProtocol): SizeRange[] {
  const areas = [0, ...(protocol.areaBounds ?? COCO_AREA_BOUNDS), ANY_AREA];
  const widths = [0, ...protocol.sizeBounds, Infinity];
  const within = (from: number, to: number): SizeRange['holds'] => {
    return (box) => areaOf(box) >= from && areaOf(box) <= to;
  };
  return [
    { kind: 'ALL', bin: 0, holds: within(0, ANY_AREA) },
    ...areas.slice(1).map((to, bin): SizeRange => ({ kind: 'AREA', bin, holds: within(areas[bin]!, to) })),
    ...widths.slice(1).map((to, bin): SizeRange => ({
      kind: 'WIDTH',
      bin,
      holds: ({ width }) => width >= widths[bin]! && width < to,
    })),
  ];
}

const ascending = (numbers: readonly number[]) =>
  numbers.every((n, i) => Number.isFinite(n) && (i === 0 || n > numbers[i - 1]!));

/** @throws RangeError when the protocol cannot be evaluated. */
export function checkProtocol(protocol: DetectionProtocol): void {
  const { iouThresholds, maxDetections, sizeBounds, areaBounds = COCO_AREA_BOUNDS } = protocol;
  if (!iouThresholds.length || iouThresholds.length > 16 || !ascending(iouThresholds))
    throw new RangeError('iouThresholds: 1 to 16 numbers, ascending');
  if (iouThresholds[0]! <= 0 || iouThresholds.at(-1)! > 1)
    throw new RangeError('iouThresholds: above 0, at most 1');
  if (!maxDetections.length || !ascending(maxDetections) || !maxDetections.every(Number.isInteger))
    throw new RangeError('maxDetections: whole numbers, ascending');
  if (maxDetections[0]! < 1 || maxDetections.at(-1)! > 255)
    throw new RangeError('maxDetections: 1 to 255 of a class in an image');
  if (!ascending(sizeBounds) || !ascending(areaBounds) || sizeBounds.length + areaBounds.length > 20)
    throw new RangeError('sizeBounds, areaBounds: ascending, at most 20 together');
  if (!Number.isFinite(protocol.scoreThreshold)) throw new RangeError('scoreThreshold: a number');
}
