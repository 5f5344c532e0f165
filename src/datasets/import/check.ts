/** What a frame may say at most, whatever its format: what the database would refuse is refused here, with its position. */
import { MAX_BOXES_PER_IMAGE } from '../../catalog/image/checkRows.js';
import { invalid } from '../formats/read/index.js';
import type { ImportItem } from './item.js';

/** An entry of the index of waiting images holds 2,704 bytes. */
const MAX_NAME_BYTES = 2400;
const MAX_SIDE = 1_000_000;

/** @throws ShingoError LABELS_INVALID */
export function checkItem(item: ImportItem): void {
  const { position, fileName, drive, latitude, longitude, recordedAt, boxes } = item;
  if (fileName.length > 600 && Buffer.byteLength(fileName) > MAX_NAME_BYTES)
    throw invalid(position, `a file name has at most ${MAX_NAME_BYTES} bytes`);
  if (!fileName.isWellFormed()) throw invalid(position, 'the file name is not Unicode');
  if (drive != null && (drive.length > 200 || drive === '' || drive.includes('\0') || !drive.isWellFormed()))
    throw invalid(position, 'a drive has 1 to 200 characters of Unicode');
  for (const side of ['width', 'height'] as const) {
    const pixels = item[side];
    if (pixels != null && !(Number.isInteger(pixels) && pixels >= 1 && pixels <= MAX_SIDE))
      throw invalid(position, `${side} ${pixels} is not a whole number of pixels, 1 to ${MAX_SIDE}`);
  }
  if ((latitude == null) !== (longitude == null))
    throw invalid(position, 'latitude and longitude come together');
  if (latitude != null && !(Math.abs(latitude) <= 90))
    throw invalid(position, `latitude ${latitude} is beyond ±90 degrees`);
  if (longitude != null && !(Math.abs(longitude) <= 180))
    throw invalid(position, `longitude ${longitude} is beyond ±180 degrees`);
  if (recordedAt && !(Math.abs(recordedAt.getUTCFullYear() - 2000) < 2000))
    throw invalid(position, 'the time of recording is not between the years 1 and 4000');
  if (boxes && boxes.length > MAX_BOXES_PER_IMAGE)
    throw invalid(position, `${boxes.length} boxes; an image has at most ${MAX_BOXES_PER_IMAGE}`);
  for (const { x, y, width, height } of boxes ?? []) {
    if (!Number.isFinite(x + y + width + height))
      throw invalid(position, 'a box has a side that is no finite number');
  }
}
