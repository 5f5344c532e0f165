/** A batch of frames, made ready to be written: pictures stored, boxes chosen, rows rendered. */
import { labelRows } from '../../catalog/annotation/storedAnnotations.js';
import type { ImageFacts, PictureRow } from '../../catalog/image/imageRecord.js';
import { picturesOf } from '../../catalog/image/pictureService.js';
import { newId } from '../../platform/ids.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import { invalid } from '../formats/read/index.js';
import { LeftOut } from '../formats/read/leftOut.js';
import { checkItem } from './check.js';
import type { ImportBox, ImportItem } from './item.js';
import { storePictures } from './pictures.js';
import { emptyTally, leaveOut, type Tally } from './report.js';

export interface ReadyItem {
  item: ImportItem;
  /** The UUID of its image, if that is new. */
  id: string;
  facts: ImageFacts;
  picture: PictureRow | null;
  boxes: ImportBox[] | null;
  /** Its boxes as rows of the image `id`. */
  rows: Buffer;
}

export interface ReadyBatch {
  items: ReadyItem[];
  tally: Tally;
}

export interface Strictness {
  /** Pictures that are refused are left out and counted. */
  lenient: boolean;
  /** A box that is none is a mistake of who wrote the manifest; label files have many. */
  manifest: boolean;
}

/**
 * Checks the frames and stores their pictures; writes no image.
 * @param render false: they are only checked
 * @throws ShingoError LABELS_INVALID, PICTURE_*, BLOB_TOO_LARGE; each names its position
 */
export async function prepare(
  task: Pick<TaskContext, 'db' | 'blobs' | 'signal'>,
  items: readonly ImportItem[],
  strict: Strictness,
  render: boolean,
): Promise<ReadyBatch> {
  const tally = emptyTally();
  for (const item of items) checkItem(item);
  const refused = new Set<ImportItem>();
  const digests = await storePictures(task, items, (item, error) => {
    if (!strict.lenient)
      throw new ShingoError(error.code, `${item.position}: ${item.fileName}: ${error.message}`, 422);
    refused.add(item);
    leaveOut(tally, `pictures refused as ${error.code}, with their labels`);
  });
  for (const item of items) if (item.sha256 && !digests.has(item)) digests.set(item, item.sha256);
  const pictures = await picturesOf(task.db, [...new Set(digests.values())]);
  const left = new LeftOut();
  const ready = items
    .filter((item) => !refused.has(item))
    .map((item) => readyItem(item, pictures.get(digests.get(item) ?? '') ?? null, strict, left, render));
  for (const [reason, count] of left.counts) leaveOut(tally, reason, count);
  tally.frames = items.length;
  tally.unlabelled = items.filter(({ boxes }) => boxes === null).length;
  tally.pictures = ready.filter(({ item }) => item.picture !== null).length;
  return { items: ready, tally };
}

const NO_ROWS = Buffer.alloc(0);

function readyItem(
  item: ImportItem,
  picture: PictureRow | null,
  { manifest }: Strictness,
  left: LeftOut,
  render: boolean,
): ReadyItem {
  const size = picture ?? item;
  const boxes =
    item.boxes &&
    item.boxes.flatMap((box) => {
      if (box.wholeImage) return whole(box, picture, item.position);
      const reason = left.reasonFor(size, box);
      if (reason !== null && manifest) throw invalid(item.position, `there are ${reason}`);
      return reason === null ? [box] : [];
    });
  const id = render ? newId() : '';
  return {
    ...{ item, id, picture, boxes },
    facts: { ...item, labelled: boxes !== null, crop: boxes?.some((box) => fills(box, size)) ?? false },
    rows: render && boxes ? labelRows(id, boxes) : NO_ROWS,
  };
}

/** A light that is the whole picture, said so or by its numbers: its pixels say nothing of the time of day. */
const fills = (
  { wholeImage, category, x, y, width, height }: ImportBox,
  picture: Pick<ImportItem, 'width' | 'height'>,
): boolean =>
  wholeImage ||
  (category === 'TRAFFIC_LIGHT' &&
    x === 0 &&
    y === 0 &&
    width === picture.width &&
    height === picture.height);

function whole(box: ImportBox, picture: PictureRow | null, position: string): ImportBox {
  if (picture === null) throw invalid(position, 'a box that is the whole picture needs the picture');
  return { ...box, x: 0, y: 0, width: picture.width, height: picture.height };
}
