/** A data set version as frames, in batches of bounded size, in the order in which its images were registered. */
import type { DataSource } from 'typeorm';
import { toGlobalId } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import type { FrameBox } from '../formats/frame.js';
import { FileNames } from '../formats/write/fileNames.js';
import type { About, VersionFrame } from '../formats/write/writer.js';

/** 500 images of 20 boxes are about 2 MB of JSON. */
const BATCH = 500;
/** Without boxes. */
const NAMES = 5_000;
const NO_ID = '00000000-0000-0000-0000-000000000000';

interface Item {
  image_id: string;
  file_name: string | null;
  width: number | null;
  height: number | null;
  sha256: string | null;
  recorded_at: Date | null;
  latitude: number | null;
  longitude: number | null;
  drive: string | null;
  weather: VersionFrame['weather'];
  time_of_day: VersionFrame['timeOfDay'];
  scene: VersionFrame['scene'];
  split: VersionFrame['split'];
  conditions: number[];
  place: string | null;
  media_type: string | null;
  annotations: FrameBox[] | null;
}

export interface ExportVersion extends About {
  projectUuid: string;
  imageCount: number;
}

/** @throws ShingoError NOT_FOUND */
export async function describeVersion(
  db: DataSource,
  versionUuid: string,
  pictures: boolean,
): Promise<ExportVersion> {
  const rows: {
    project_id: string;
    name: string;
    description: string;
    major: number;
    minor: number;
    patch: number;
    data_id: string;
    created_at: Date;
    condition_names: string[];
    image_count: number;
  }[] = await db.query(
    `/* export.version */ SELECT d.project_id, d.name, d.description, v.major, v.minor, v.patch, v.data_id, v.created_at,
       v.condition_names, v.image_count
     FROM dataset_version v JOIN dataset d ON d.id = v.dataset_id WHERE v.id = $1`,
    [versionUuid],
  );
  const [row] = rows;
  if (!row)
    throw new ShingoError('NOT_FOUND', 'There is no such data set version.', 404, ['datasetVersionId']);
  return {
    projectUuid: row.project_id,
    dataset: row.name,
    description: row.description,
    version: `${row.major}.${row.minor}.${row.patch}`,
    dataId: row.data_id,
    createdAt: row.created_at,
    conditions: row.condition_names,
    pictures,
    imageCount: row.image_count,
  };
}

/**
 * All is as it was when the version was made, but the file's name and size: those are the image's as it is now, and the
 * picture's where it has been deleted.
 */
export async function* framesOfVersion(
  db: DataSource,
  versionUuid: string,
  conditionNames: readonly string[],
): AsyncGenerator<VersionFrame, void> {
  for (let after = NO_ID; ;) {
    const items: Item[] = await db.query(
      `/* export.items */ SELECT v.image_id, p.sha256, v.split, v.weather, v.time_of_day, v.scene, v.conditions,
         v.annotations, coalesce(i.file_name, p.sha256) AS file_name, coalesce(i.width, p.width) AS width,
         coalesce(i.height, p.height) AS height, v.recorded_at, v.latitude, v.longitude, v.drive,
         p.media_type, concat_ws(', ', l.country, l.prefecture, l.city) AS place
       FROM dataset_item v LEFT JOIN image i ON i.id = v.image_id LEFT JOIN picture p ON p.sha256 = v.sha256
         LEFT JOIN place l ON l.id = v.place_id
       WHERE v.version_id = $1 AND v.image_id > $2 ORDER BY v.image_id LIMIT ${BATCH}`,
      [versionUuid, after],
    );
    for (const item of items) yield frameOf(item, versionUuid, conditionNames);
    const last = items.at(-1);
    if (!last || items.length < BATCH) return;
    after = last.image_id;
  }
}

export interface ExportedName {
  /** Its number in a COCO export: from 1. */
  id: number;
  sha256: string;
  split: VersionFrame['split'];
  labelled: boolean;
  fileName: string;
  /** What exports call it, without pictures and with them. */
  called: string[];
}

/** How exports of the version name its images, in their order, so that what was made of an export finds its images again. */
export async function* namesOfVersion(
  db: DataSource,
  versionUuid: string,
): AsyncGenerator<ExportedName, void> {
  const names = [new FileNames(false), new FileNames(true)];
  let id = 0;
  for (let after = NO_ID; ;) {
    const items: (Pick<Item, 'image_id' | 'split' | 'media_type'> & {
      key: string;
      labelled: boolean;
      file_name: string | null;
    })[] = await db.query(
      `/* export.names */ SELECT v.image_id, v.sha256 AS key, v.split, v.annotations IS NOT NULL AS labelled,
         coalesce(i.file_name, p.sha256) AS file_name, p.media_type
       FROM dataset_item v LEFT JOIN image i ON i.id = v.image_id LEFT JOIN picture p ON p.sha256 = v.sha256
       WHERE v.version_id = $1 AND v.image_id > $2 ORDER BY v.image_id LIMIT ${NAMES}`,
      [versionUuid, after],
    );
    for (const { image_id, key, split, labelled, file_name, media_type: mediaType } of items) {
      const fileName = file_name ?? image_id;
      const called = names.map((one) => one.take({ fileName, mediaType }));
      yield { id: (id += 1), sha256: key, split, labelled, fileName, called };
    }
    const last = items.at(-1);
    if (!last || items.length < NAMES) return;
    after = last.image_id;
  }
}

const frameOf = (item: Item, versionUuid: string, names: readonly string[]): VersionFrame => ({
  id: toGlobalId('Image', item.image_id),
  fileName: item.file_name ?? item.image_id,
  width: item.width,
  height: item.height,
  sha256: item.sha256,
  recordedAt: item.recorded_at,
  latitude: item.latitude,
  longitude: item.longitude,
  drive: item.drive,
  place: item.place || null,
  mediaType: item.media_type,
  weather: item.weather,
  timeOfDay: item.time_of_day,
  scene: item.scene,
  split: item.split,
  conditions: item.conditions.map((index) => names[index] as string),
  boxes: item.annotations,
  position: `${versionUuid}:${item.image_id}`,
});
