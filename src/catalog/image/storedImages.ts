/** Images of a project in bulk: found by name or bytes, written by COPY, filled in when more is known of them. */
import type { EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { copyInto, copyRow } from '../../platform/database/copy.js';
import type { LockedPlaces } from '../place/lockPlaces.js';
import { periodSql } from '../weather/weatherService.js';
import { imageRecord, type ImageFacts, type ImageRecord, type PictureRow } from './imageRecord.js';
import type { Scene, TimeOfDay, WeatherName } from '../vocabulary.js';

/** The key is arbitrary and ours alone; the second is of the project. */
const IMAGES_LOCK = 7_446_462;

/**
 * Until the end of the transaction no other one makes images of this project or fills them in. Before any row lock:
 * whoever waits here holds nothing that the other could want. The project's precedence is held too.
 */
export async function lockNewImages(manager: EntityManager, projectUuid: string): Promise<void> {
  await manager.query('/* image.lockNew */ SELECT pg_advisory_xact_lock($1, hashtext($2))', [
    IMAGES_LOCK,
    projectUuid,
  ]);
  // Project, place, image: the order of everybody; see project/precedence.
  await manager.query('/* image.holdProject */ SELECT 1 FROM project WHERE id = $1 FOR KEY SHARE', [
    projectUuid,
  ]);
}

export interface StoredImage {
  id: string;
  fileName: string;
  sha256: string | null;
  placeUuid: string | null;
  width: number | null;
  height: number | null;
  recordedAt: Date | null;
  recordedLocal: string | null;
  latitude: number | null;
  longitude: number | null;
  drive: string | null;
  weather: `${WeatherName}` | null;
  timeOfDay: `${TimeOfDay}` | null;
  scene: `${Scene}` | null;
  /** A person has looked for objects; a model is nobody. */
  labelled: boolean;
}

const STORED = `i.id, i.file_name AS "fileName", i.sha256, i.place_id AS "placeUuid", i.width, i.height,
  i.recorded_at AS "recordedAt", to_char(i.recorded_local, 'YYYY-MM-DD"T"HH24:MI:SS.MS') AS "recordedLocal",
  i.latitude, i.longitude, i.drive, i.weather_label AS weather, i.time_of_day_label AS "timeOfDay",
  i.scene_label AS scene, (i.counts_source = 'LABEL') IS TRUE AS labelled`;

/** At most two of each name, one without bytes before the others: two are too many to say which is meant. */
export async function imagesByName(
  manager: EntityManager,
  projectUuid: string,
  names: string[],
): Promise<Map<string, StoredImage[]>> {
  const rows: StoredImage[] =
    names.length === 0
      ? []
      : await manager.query(
          `/* image.byName */ SELECT i.* FROM unnest($2::text[]) AS n(name) CROSS JOIN LATERAL (
             SELECT ${STORED} FROM image i
             WHERE i.project_id = $1 AND hashtext(i.file_name) = hashtext(n.name) AND i.file_name = n.name
             ORDER BY i.sha256 IS NOT NULL, i.id LIMIT 2) i`,
          [projectUuid, names],
        );
  return Map.groupBy(rows, (row) => row.fileName);
}

export async function imagesByDigest(
  manager: EntityManager,
  projectUuid: string,
  digests: string[],
): Promise<Map<string, StoredImage>> {
  if (digests.length === 0) return new Map();
  const rows: StoredImage[] = await manager.query(
    `/* image.byDigest */ SELECT ${STORED} FROM image i WHERE i.project_id = $1 AND i.sha256 = ANY ($2)`,
    [projectUuid, digests],
  );
  return new Map(rows.map((row) => [row.sha256 as string, row]));
}

/** As they are now; they stay so until the transaction is over. After the places, by the order of everybody. */
export async function lockImages(manager: EntityManager, uuids: string[]): Promise<Map<string, StoredImage>> {
  if (uuids.length === 0) return new Map();
  const rows: StoredImage[] = await manager.query(
    `/* image.lockStored */ SELECT ${STORED} FROM image i WHERE i.id = ANY ($1) ORDER BY i.id FOR NO KEY UPDATE`,
    [uuids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

const COLUMNS = `id, place_id, sha256, file_name, width, height, recorded_at, recorded_local, latitude, longitude, drive,
  darkness_sensor, brightness, sun_altitude, weather_label, time_of_day_label, time_of_day_derived, time_of_day_sensor,
  scene_label`;
const COPY = `COPY image (${COLUMNS}, project_id, weather_period, people, cars, bicycles, buses, traffic_lights) FROM STDIN`;

export interface NewImage {
  record: ImageRecord;
  labelled: boolean;
}

/** The caller holds `lockNewImages` and the images' places. */
export async function insertImages(
  manager: EntityManager,
  projectUuid: string,
  images: NewImage[],
): Promise<void> {
  if (images.length === 0) return;
  const periods = await periodsOf(manager, images);
  const rows = images.map(({ record, labelled }, index) => {
    // Looked at: the counts start at nought, and the trigger on annotations adds to them.
    const counts = labelled ? 0 : null;
    return copyRow([
      ...Object.values(record as unknown as Record<string, string | number | null>),
      ...[projectUuid, periods[index], counts, counts, counts, counts, counts],
    ]);
  });
  await copyInto(manager, `/* image.create */ ${COPY}`, [rows.join('')]);
}

/** The weather that the places' periods tell. */
async function periodsOf(manager: EntityManager, images: NewImage[]): Promise<(string | null)[]> {
  const placed = images.flatMap(({ record }, index) =>
    record.place_id !== null && record.recorded_at !== null ? [{ record, index }] : [],
  );
  const periods = new Array<string | null>(images.length).fill(null);
  if (placed.length === 0) return periods;
  const rows: { weather: string | null }[] = await manager.query(
    `/* image.periods */ SELECT ${periodSql('s.place', 's.at')} AS weather
     FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS s(place, at, n) ORDER BY s.n`,
    [placed.map(({ record }) => record.place_id), placed.map(({ record }) => record.recorded_at)],
  );
  placed.forEach(({ index }, n) => (periods[index] = rows[n]?.weather ?? null));
  return periods;
}

/**
 * What an image is once more is known of it: what was said before stays, and of several sizes the picture's counts.
 * @returns null: it stays as it is
 * @throws ShingoError CONFLICT
 */
export function merged(
  image: StoredImage,
  facts: ImageFacts,
  picture: PictureRow | null,
  places: LockedPlaces,
  placeUuid: string | null,
): (NewImage & { arrived: boolean; labelsTaken: boolean }) | null {
  const arrived = image.sha256 === null && picture !== null;
  const labelsTaken = !image.labelled && facts.labelled;
  // A person's image is left alone, but for the picture that it waits for.
  if (image.labelled && !arrived) return null;
  const position = image.latitude === null ? facts : image;
  const time = image.recordedAt === null ? facts : image;
  // By the clock of the row's place: where the image stays at another, the instant is all that holds.
  const sameClock = time === image || image.placeUuid === null || image.placeUuid === placeUuid;
  const known: ImageFacts = {
    fileName: image.fileName,
    width: image.width ?? facts.width,
    height: image.height ?? facts.height,
    recordedAt: time.recordedAt,
    recordedLocal: sameClock ? time.recordedLocal : null,
    latitude: position.latitude,
    longitude: position.longitude,
    drive: image.drive ?? facts.drive,
    weather: image.weather ?? facts.weather,
    timeOfDay: image.timeOfDay ?? facts.timeOfDay,
    scene: image.scene ?? facts.scene,
    labelled: image.labelled || facts.labelled,
    crop: facts.crop,
  };
  const changed =
    arrived ||
    labelsTaken ||
    (image.placeUuid === null && placeUuid !== null) ||
    (['width', 'height', 'recordedAt', 'latitude', 'drive', 'weather', 'timeOfDay', 'scene'] as const).some(
      (field) => image[field] === null && known[field] != null,
    );
  if (!changed) return null;
  const place = places.withId(image.placeUuid ?? placeUuid);
  // Another request moved it while the locks were waited for: its place must not be taken away.
  if (image.placeUuid !== null && place === null)
    throw new ShingoError('CONFLICT', 'Another request moved an image of these; try again.', 409);
  return {
    record: imageRecord(image.id, known, arrived ? picture : null, place),
    labelled: known.labelled,
    arrived,
    labelsTaken,
  };
}

const COUNTS = ['people', 'cars', 'bicycles', 'buses', 'traffic_lights'];

/** The caller holds the images and their places. What only the bytes tell is written when they arrive. */
export async function fillImages(manager: EntityManager, images: NewImage[]): Promise<void> {
  if (images.length === 0) return;
  const records = images.map(({ record, labelled }) => ({ ...record, labelled }));
  await manager.query(
    `/* image.fill */ UPDATE image i SET sha256 = coalesce(i.sha256, s.sha256), place_id = s.place_id,
       width = coalesce(CASE WHEN i.sha256 IS NULL THEN s.width END, i.width, s.width),
       height = coalesce(CASE WHEN i.sha256 IS NULL THEN s.height END, i.height, s.height),
       recorded_at = s.recorded_at, recorded_local = s.recorded_local, latitude = s.latitude, longitude = s.longitude,
       drive = s.drive, darkness_sensor = coalesce(i.darkness_sensor, s.darkness_sensor),
       brightness = coalesce(i.brightness, s.brightness), sun_altitude = s.sun_altitude,
       time_of_day_sensor = CASE WHEN i.sha256 IS NULL THEN s.time_of_day_sensor ELSE i.time_of_day_sensor END,
       time_of_day_derived = s.time_of_day_derived, weather_label = s.weather_label,
       time_of_day_label = s.time_of_day_label, scene_label = s.scene_label, weather_period = p.weather,
       -- A person's count begins at nought, whatever a model has counted; the trigger on annotations adds to it.
       ${COUNTS.map((column) => `${column} = CASE WHEN s.labelled AND i.counts_source IS DISTINCT FROM 'LABEL' THEN 0 ELSE i.${column} END`).join(', ')},
       counts_source = CASE WHEN s.labelled THEN 'LABEL' ELSE i.counts_source END
     FROM (SELECT * FROM jsonb_to_recordset($1) AS r(id uuid, place_id uuid, sha256 text, width int, height int,
       recorded_at timestamptz, recorded_local timestamp, latitude float8, longitude float8, drive text,
       darkness_sensor float8, brightness float8, sun_altitude float8, weather_label text, time_of_day_label text,
       time_of_day_derived text, time_of_day_sensor text, scene_label text, labelled boolean)) s
     CROSS JOIN LATERAL (SELECT ${periodSql('s.place_id', 's.recorded_at')} AS weather) p
     WHERE i.id = s.id`,
    [JSON.stringify(records)],
  );
}
