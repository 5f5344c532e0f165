/** Registering images: a batch is written as a whole or not at all, and writing it again changes nothing. */
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { insertAnnotations, type NewAnnotation } from '../annotation/annotationService.js';
import { lockPlaces, type LockedPlaces } from '../place/lockPlaces.js';
import type { ValidationReport } from '../validation/report.js';
import { refuseInvalid, validateImported } from '../validation/validate.js';
import { checkRows } from './checkRows.js';
import { imageRecord, type ImageFacts, type PictureRow } from './imageRecord.js';
import { instants } from './instants.js';
import { picturesOf } from './pictureService.js';
import type { RegisterImageRow } from './registerInputs.js';
import {
  fillImages,
  imagesByDigest,
  imagesByName,
  insertImages,
  lockImages,
  lockNewImages,
  merged,
  type NewImage,
} from './storedImages.js';

export const MAX_ROWS = 1000;

export interface Registered {
  created: number;
  existing: number;
  /** Images that had come as labels only and have their picture now. */
  filled: number;
  /** UUIDs in the order of the rows. */
  imageUuids: string[];
  /** Of the images that were created; null: there are none. */
  validation: ValidationReport | null;
}

/**
 * Idempotent by project and SHA-256: an image that the project has stays as it is. One that waits for its picture
 * under the row's file name takes it; what people have labelled on it stays.
 * @param allowInvalid images that break a rule of the project are written too, and reported
 * @throws UserErrors with BAD_USER_INPUT, BLOB_MISSING, PLACE_UNKNOWN, VALIDATION_FAILED; each names its row
 * @throws ShingoError BAD_USER_INPUT (too many rows), CONFLICT
 */
export async function registerImages(
  db: DataSource,
  projectUuid: string,
  rows: RegisterImageRow[],
  allowInvalid = false,
): Promise<Registered> {
  if (rows.length > MAX_ROWS)
    throw new ShingoError('BAD_USER_INPUT', `Register at most ${MAX_ROWS} rows at a time.`, 400, ['rows']);
  if (rows.length === 0) return { created: 0, existing: 0, filled: 0, imageUuids: [], validation: null };
  return db.transaction(async (manager) => {
    await lockNewImages(manager, projectUuid);
    const pictures = await picturesOf(
      manager,
      rows.map((row) => row.sha256),
    );
    const known = await imagesByDigest(manager, projectUuid, [...pictures.keys()]);
    const waiting = await waitingImages(
      manager,
      projectUuid,
      rows.filter((row) => !known.has(row.sha256)),
    );
    const places = await lockPlaces(
      manager,
      projectUuid,
      rows.flatMap((row) => row.place ?? []),
      [...waiting.values()].flatMap(({ placeUuid }) => placeUuid ?? []),
    );
    checkRows(rows, pictures, places);
    const fresh = [...new Map(rows.map((row) => [row.sha256, row])).values()].filter(
      (row) => !known.has(row.sha256),
    );
    const timed = await withInstants(manager, fresh, places);
    const { filled, created, annotations } = await write(manager, projectUuid, timed, {
      pictures,
      places,
      waiting: await lockImages(
        manager,
        [...waiting.values()].map(({ id }) => id),
      ),
    });
    await insertAnnotations(manager, annotations);
    const uuids = await imagesByDigest(manager, projectUuid, [...pictures.keys()]);
    const imageUuids = rows.map((row) => uuids.get(row.sha256)!.id);
    return {
      ...{ created: created.length, filled: filled.length, imageUuids },
      existing: rows.length - created.length - filled.length,
      validation: await obey(manager, projectUuid, [...created, ...filled], rows, imageUuids, allowInvalid),
    };
  });
}

/** The rules of the project, of what was created or filled: the rest was judged when it came. */
async function obey(
  manager: EntityManager,
  projectUuid: string,
  written: string[],
  rows: RegisterImageRow[],
  uuids: string[],
  allowInvalid: boolean,
): Promise<ValidationReport | null> {
  if (written.length === 0) return null;
  if (allowInvalid) return validateImported(manager, projectUuid, written);
  return refuseInvalid(manager, projectUuid, written, (uuid) => {
    const index = uuids.indexOf(uuid);
    return { name: (rows[index] as RegisterImageRow).fileName, field: ['rows', String(index)] };
  });
}

async function waitingImages(manager: EntityManager, projectUuid: string, rows: RegisterImageRow[]) {
  const names = [...new Set(rows.map((row) => row.fileName))];
  const found = await imagesByName(manager, projectUuid, names);
  return new Map(
    [...found].flatMap(([name, [image]]) => (image && image.sha256 === null ? [[name, image]] : [])),
  );
}

async function withInstants(
  manager: EntityManager,
  rows: RegisterImageRow[],
  places: LockedPlaces,
): Promise<RegisterImageRow[]> {
  const local = rows.filter((row) => row.recordedLocal != null);
  const found = await instants(
    manager,
    local.map((row) => ({ local: row.recordedLocal!, zone: places.named(row.place)!.time_zone })),
  );
  const at = new Map(local.map((row, index) => [row, found[index]]));
  return rows.map((row) => (at.has(row) ? { ...row, recordedAt: at.get(row) } : row));
}

const factsOf = (row: RegisterImageRow): ImageFacts => ({
  ...row,
  labelled: row.boxes != null,
  crop: row.boxes?.some((box) => box.wholeImage) ?? false,
});

interface Known {
  pictures: Map<string, PictureRow>;
  places: LockedPlaces;
  /** By UUID; locked. */
  waiting: Awaited<ReturnType<typeof lockImages>>;
}

async function write(
  manager: EntityManager,
  projectUuid: string,
  rows: RegisterImageRow[],
  { pictures, places, waiting }: Known,
) {
  const waits = new Map(
    [...waiting.values()].flatMap((image) => (image.sha256 === null ? [[image.fileName, image]] : [])),
  );
  const [fresh, fills]: [NewImage[], NewImage[]] = [[], []];
  const annotations: NewAnnotation[] = [];
  for (const row of rows) {
    const picture = pictures.get(row.sha256) as PictureRow;
    const place = places.named(row.place);
    const image = waits.get(row.fileName);
    // A second picture of the same name is an image of its own.
    waits.delete(row.fileName);
    const fill = image && merged(image, factsOf(row), picture, places, place?.id ?? null);
    if (fill) fills.push(fill);
    else {
      const record = imageRecord(newId(), factsOf(row), picture, place);
      fresh.push({ record, labelled: row.boxes != null });
    }
    if (!fill || fill.labelsTaken) {
      const { id } = (fill ?? fresh.at(-1)!).record;
      annotations.push(...annotationsOf(row, id, picture));
    }
  }
  await insertImages(manager, projectUuid, fresh);
  await fillImages(manager, fills);
  return {
    created: fresh.map(({ record }) => record.id),
    filled: fills.map(({ record }) => record.id),
    annotations,
  };
}

const annotationsOf = (row: RegisterImageRow, imageUuid: string, picture: PictureRow): NewAnnotation[] =>
  (row.boxes ?? []).map((box) => ({
    ...box,
    ...(box.wholeImage ? { x: 0, y: 0, width: picture.width, height: picture.height } : {}),
    imageUuid,
  }));
