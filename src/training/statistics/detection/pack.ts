/** ImageMatches as bytes: what a row of the database holds. Little-endian; the first byte is the version of the format. */
import type { DetectionMatches, ErrorType, ImageMatches, Presence, TruthMatches } from './matches.js';
import { ERROR_TYPES } from './matches.js';

const VERSION = 1;
const PRESENCES: Presence[] = ['FOUND', 'FALSE', 'IGNORED', 'BELOW_THRESHOLD'];
const NONE = 255;
/** Label, found as, missed, ranges. */
const TRUTH_BYTES = 7;
/** Score, label, presence and error, ranges, which ranges have masks of their own. */
const DETECTION_BYTES = 18;
/** Hits and ignored. */
const MASK_BYTES = 4;

/**
 * 7 bytes a truth; 18 a detection and 4 more for each size range in which it is not ignored at every threshold
 * (usually 3 of 8): 30 a detection, 0.9 kB for an image of 20 truths and 25 detections.
 */
export function packMatches(matches: ImageMatches, thresholds: number): Uint8Array {
  const all = 2 ** thresholds - 1;
  const masks = matches.detections.map(({ ignored }) =>
    ignored.flatMap((mask, r) => (mask === all ? [] : [r])),
  );
  const size =
    8 +
    matches.truths.length * TRUTH_BYTES +
    matches.detections.length * DETECTION_BYTES +
    masks.reduce((sum, { length }) => sum + length * MASK_BYTES, 0);
  const view = new DataView(new ArrayBuffer(size));
  view.setUint8(0, VERSION);
  view.setUint8(1, matches.detections[0]?.hits.length ?? 0);
  view.setUint16(2, matches.truths.length, true);
  view.setUint32(4, matches.detections.length, true);
  let at = 8;
  for (const truth of matches.truths) {
    view.setUint8(at, truth.label);
    view.setUint8(at + 1, truth.foundAs ?? NONE);
    view.setUint8(at + 2, Number(truth.missed));
    view.setUint32(at + 3, truth.ranges, true);
    at += TRUTH_BYTES;
  }
  matches.detections.forEach((one, i) => {
    view.setFloat64(at, one.score, true);
    view.setUint8(at + 8, one.label);
    view.setUint8(
      at + 9,
      PRESENCES.indexOf(one.presence) * 16 + (one.error ? ERROR_TYPES.indexOf(one.error) + 1 : 0),
    );
    view.setUint32(at + 10, one.ranges, true);
    view.setUint32(
      at + 14,
      masks[i]!.reduce((mask, r) => mask | (1 << r), 0),
      true,
    );
    at += DETECTION_BYTES;
    for (const r of masks[i]!) {
      view.setUint16(at, one.hits[r]!, true);
      view.setUint16(at + 2, one.ignored[r]!, true);
      at += MASK_BYTES;
    }
  });
  return new Uint8Array(view.buffer);
}

/** @throws RangeError when the bytes are no matches of this version. */
export function unpackMatches(bytes: Uint8Array, thresholds: number): ImageMatches {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 8 || view.getUint8(0) !== VERSION)
    throw new RangeError('unpackMatches: these bytes are no matches of version 1');
  const all = 2 ** thresholds - 1;
  const ranges = view.getUint8(1);
  const truths: TruthMatches[] = [];
  const detections: DetectionMatches[] = [];
  let at = 8;
  for (let i = view.getUint16(2, true); i > 0; i--) {
    const foundAs = view.getUint8(at + 1);
    truths.push({
      label: view.getUint8(at),
      ranges: view.getUint32(at + 3, true),
      foundAs: foundAs === NONE ? null : foundAs,
      missed: view.getUint8(at + 2) === 1,
    });
    at += TRUTH_BYTES;
  }
  for (let i = view.getUint32(4, true); i > 0; i--) {
    const kinds = view.getUint8(at + 9);
    const own = view.getUint32(at + 14, true);
    const one: DetectionMatches = {
      label: view.getUint8(at + 8),
      score: view.getFloat64(at, true),
      hits: new Array<number>(ranges).fill(0),
      ignored: new Array<number>(ranges).fill(all),
      presence: PRESENCES[kinds >> 4]!,
      ranges: view.getUint32(at + 10, true),
      error: (kinds & 15 ? ERROR_TYPES[(kinds & 15) - 1]! : null) as Exclude<ErrorType, 'MISSED'> | null,
    };
    at += DETECTION_BYTES;
    for (let r = 0; r < ranges; r++) {
      if (!(own & (1 << r))) continue;
      one.hits[r] = view.getUint16(at, true);
      one.ignored[r] = view.getUint16(at + 2, true);
      at += MASK_BYTES;
    }
    detections.push(one);
  }
  return { truths, detections };
}
