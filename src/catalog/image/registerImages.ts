/** Registering images: a batch is written as a whole or not at all, and writing it again changes nothing. */
import type { DataSource, EntityManager } from 'typeorm';
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { boxProblem, insertAnnotations, type NewAnnotation } from '../annotation/annotationService.js';
import type { ValidationReport } from '../validation/report.js';
import { refuseInvalid, validateImported } from '../validation/validate.js';
import { PERIOD_OF_IMAGE } from '../weather/weatherService.js';
import { timeOfDayFromDarkness } from './picture/index.js';
import type { RegisterImageRow } from './registerInputs.js';
import { sunAltitude, timeOfDayFromSun } from './sun.js';

export const MAX_ROWS = 1000;
const MAX_BOXES_PER_IMAGE = 1000;
const MAX_ERRORS = 20;

export interface Registered {
  created: number;
  existing: number;
  /** UUIDs in the order of the rows. */
  imageUuids: string[];
  /** Of the images that were created; null: there are none. */
  validation: ValidationReport | null;
}

interface Picture {
  sha256: string;
  width: number;
  height: number;
  darkness: number;
  brightness: number;
}

interface Place {
  id: string;
  latitude: number | null;
  longitude: number | null;
  time_zone: string;
}

/**
 * Idempotent by project and SHA-256: an image that the project has stays as it is.
 * @param allowInvalid images that break a rule of the project are written too, and reported
 * @throws UserErrors with BAD_USER_INPUT, BLOB_MISSING, PLACE_UNKNOWN, VALIDATION_FAILED; each names its row
 */
export async function registerImages(
  db: DataSource,
  projectUuid: string,
  rows: RegisterImageRow[],
  allowInvalid = false,
): Promise<Registered> {
  if (rows.length > MAX_ROWS)
    throw new ShingoError('BAD_USER_INPUT', `Register at most ${MAX_ROWS} rows at a time.`, 400, ['rows']);
  if (rows.length === 0) return { created: 0, existing: 0, imageUuids: [], validation: null };
  return db.transaction(async (manager) => {
    const pictures = await picturesOf(manager, rows);
    const places = await lockPlaces(manager, projectUuid, rows);
    check(rows, pictures, places);
    // One order for everybody: two batches with the same pictures cannot wait for each other in a circle.
    const unique = [...new Map(rows.map((row) => [row.sha256, row])).values()].sort((a, b) =>
      a.sha256 < b.sha256 ? -1 : 1,
    );
    const timed = await instants(manager, unique, places);
    const created = await insertImages(manager, projectUuid, timed, pictures, places);
    await insertAnnotations(
      manager,
      unique.flatMap((row) => annotationsOf(row, created.get(row.sha256), pictures)),
    );
    const uuids = await uuidsOf(manager, projectUuid, rows);
    const validation = await obey(manager, projectUuid, [...created.values()], rows, uuids, allowInvalid);
    return { created: created.size, existing: rows.length - created.size, imageUuids: uuids, validation };
  });
}

/** The rules of the project, of what was created: what it had already was judged when it came. */
async function obey(
  manager: EntityManager,
  projectUuid: string,
  created: string[],
  rows: RegisterImageRow[],
  uuids: string[],
  allowInvalid: boolean,
): Promise<ValidationReport | null> {
  if (created.length === 0) return null;
  if (allowInvalid) return validateImported(manager, projectUuid, created);
  return refuseInvalid(manager, projectUuid, created, (uuid) => {
    const index = uuids.indexOf(uuid);
    return { name: (rows[index] as RegisterImageRow).fileName, field: ['rows', String(index)] };
  });
}

async function picturesOf(manager: EntityManager, rows: RegisterImageRow[]): Promise<Map<string, Picture>> {
  const found: Picture[] = await manager.query(
    '/* image.pictures */ SELECT sha256, width, height, darkness, brightness FROM picture WHERE sha256 = ANY($1)',
    [rows.map((row) => row.sha256)],
  );
  return new Map(found.map((picture) => [picture.sha256, picture]));
}

const placeKey = (place: { country: string; prefecture: string; city: string; name?: string | null }) =>
  JSON.stringify([place.country, place.prefecture, place.city, place.name ?? '']);

/** Shared row locks: a weather period of these places cannot change until this batch is committed. */
async function lockPlaces(
  manager: EntityManager,
  projectUuid: string,
  rows: RegisterImageRow[],
): Promise<Map<string, Place>> {
  const named = rows.flatMap((row) => (row.place ? [row.place] : []));
  if (named.length === 0) return new Map();
  const found: (Place & { country: string; prefecture: string; city: string; name: string })[] =
    await manager.query(
      `/* image.lockPlaces */ SELECT id, country, prefecture, city, name, latitude, longitude, time_zone FROM place
     WHERE project_id = $1 AND (country, prefecture, city, name) IN
       (SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]))
     ORDER BY id FOR SHARE`,
      [
        projectUuid,
        named.map((place) => place.country),
        named.map((place) => place.prefecture),
        named.map((place) => place.city),
        named.map((place) => place.name ?? ''),
      ],
    );
  return new Map(found.map((place) => [placeKey(place), place]));
}

const LOCAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;

/** February 31 has the form, and JavaScript takes it for March 2. */
const isLocalTime = (text: string) => {
  const time = LOCAL_TIME.test(text) ? new Date(`${text}Z`) : null;
  return Boolean(time && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text.slice(0, 16)));
};

/** Wall-clock times as instants, by the time zones of their places; one statement. */
async function instants(
  manager: EntityManager,
  rows: RegisterImageRow[],
  places: Map<string, Place>,
): Promise<RegisterImageRow[]> {
  const local = rows.filter((row) => row.recordedLocal != null);
  if (local.length === 0) return rows;
  const found: { at: Date }[] = await manager.query(
    `/* image.instants */ SELECT (l AT TIME ZONE z) AS at
     FROM unnest($1::timestamp[], $2::text[]) WITH ORDINALITY AS t(l, z, n) ORDER BY n`,
    [
      local.map((row) => row.recordedLocal),
      local.map(
        (row) => places.get(placeKey(row.place as NonNullable<RegisterImageRow['place']>))?.time_zone,
      ),
    ],
  );
  const at = new Map(local.map((row, index) => [row, found[index]?.at]));
  return rows.map((row) => (at.has(row) ? { ...row, recordedAt: at.get(row) } : row));
}

function check(rows: RegisterImageRow[], pictures: Map<string, Picture>, places: Map<string, Place>): void {
  const errors: ShingoError[] = [];
  rows.forEach((row, index) => {
    const problem = rowProblem(row, pictures.get(row.sha256), places);
    if (problem)
      errors.push(
        new ShingoError(problem.code, problem.message, 400, ['rows', String(index), ...problem.field]),
      );
  });
  if (errors.length > 0) throw new UserErrors(errors.slice(0, MAX_ERRORS));
}

interface Problem {
  code: string;
  message: string;
  field: string[];
}

function rowProblem(
  row: RegisterImageRow,
  picture: Picture | undefined,
  places: Map<string, Place>,
): Problem | null {
  const bad = (field: string, message: string, code = 'BAD_USER_INPUT'): Problem => ({
    code,
    message,
    field: [field],
  });
  if (!/^[0-9a-f]{64}$/.test(row.sha256))
    return bad('sha256', 'A SHA-256 is 64 lower-case hexadecimal digits.');
  if (!picture)
    return bad(
      'sha256',
      `No picture has this SHA-256; PUT its bytes to /blobs/${row.sha256} first.`,
      'BLOB_MISSING',
    );
  if (row.fileName.length === 0 || row.fileName.length > 1000)
    return bad('fileName', 'A file name has 1 to 1,000 characters.');
  if (row.drive != null && (row.drive.length === 0 || row.drive.length > 200))
    return bad('drive', 'A drive has 1 to 200 characters.');
  if (row.recordedLocal != null) {
    if (row.recordedAt != null) return bad('recordedLocal', 'Give recordedAt or recordedLocal, not both.');
    if (!row.place)
      return bad('recordedLocal', 'recordedLocal needs a place, whose time zone says what it means.');
    if (!isLocalTime(row.recordedLocal))
      return bad('recordedLocal', 'recordedLocal is a time without an offset, as 2024-05-01T18:30:00.');
  }
  if ((row.latitude == null) !== (row.longitude == null))
    return bad('latitude', 'Give latitude and longitude together.');
  if (row.latitude != null && Math.abs(row.latitude) > 90)
    return bad('latitude', 'latitude is beyond ±90 degrees.');
  if (row.longitude != null && Math.abs(row.longitude) > 180)
    return bad('longitude', 'longitude is beyond ±180 degrees.');
  if (row.place && !places.has(placeKey(row.place))) {
    const name = [row.place.country, row.place.prefecture, row.place.city, row.place.name]
      .filter(Boolean)
      .join(', ');
    return bad('place', `The project has no place ${name}; create it first.`, 'PLACE_UNKNOWN');
  }
  if ((row.boxes?.length ?? 0) > MAX_BOXES_PER_IMAGE)
    return bad('boxes', `An image has at most ${MAX_BOXES_PER_IMAGE} boxes.`);
  for (const [index, box] of (row.boxes ?? []).entries()) {
    const problem = boxProblem(box, picture);
    if (problem)
      return {
        code: 'BAD_USER_INPUT',
        message: problem.message,
        field: ['boxes', String(index), problem.field],
      };
  }
  return null;
}

async function insertImages(
  manager: EntityManager,
  projectUuid: string,
  rows: RegisterImageRow[],
  pictures: Map<string, Picture>,
  places: Map<string, Place>,
): Promise<Map<string, string>> {
  const records = rows.map((row) => {
    const picture = pictures.get(row.sha256) as Picture;
    const place = row.place ? (places.get(placeKey(row.place)) as Place) : null;
    const [latitude, longitude] = [row.latitude ?? place?.latitude, row.longitude ?? place?.longitude];
    const sun =
      row.recordedAt && latitude != null && longitude != null
        ? sunAltitude(row.recordedAt, latitude, longitude)
        : null;
    return {
      ...picture,
      id: newId(),
      place_id: place?.id ?? null,
      file_name: row.fileName,
      recorded_at: row.recordedAt?.toISOString() ?? null,
      recorded_local: row.recordedLocal ?? null,
      latitude: row.latitude ?? null,
      longitude: row.longitude ?? null,
      drive: row.drive ?? null,
      sun_altitude: sun,
      weather_label: row.weather ?? null,
      time_of_day_label: row.timeOfDay ?? null,
      time_of_day_derived: sun === null ? null : timeOfDayFromSun(sun),
      // A crop of one light has no sky: its darkness says nothing of the time of day.
      time_of_day_sensor: row.boxes?.some((box) => box.wholeImage)
        ? null
        : timeOfDayFromDarkness(picture.darkness),
      scene_label: row.scene ?? null,
      // Looked at: the counts start at nought, and the trigger on annotations adds to them.
      counts: row.boxes ? 0 : null,
    };
  });
  const inserted: { id: string; sha256: string }[] = await manager.query(
    `/* image.create */ INSERT INTO image (id, project_id, place_id, sha256, file_name, width, height, recorded_at, recorded_local,
       latitude, longitude, drive, darkness_sensor, brightness, sun_altitude, weather_label, weather_period,
       time_of_day_label, time_of_day_derived, time_of_day_sensor, scene_label,
       people, cars, bicycles, buses, traffic_lights)
     SELECT i.id, $1, i.place_id, i.sha256, i.file_name, i.width, i.height, i.recorded_at, i.recorded_local,
       i.latitude, i.longitude, i.drive, i.darkness, i.brightness, i.sun_altitude, i.weather_label, ${PERIOD_OF_IMAGE},
       i.time_of_day_label, i.time_of_day_derived, i.time_of_day_sensor, i.scene_label,
       i.counts, i.counts, i.counts, i.counts, i.counts
     FROM jsonb_to_recordset($2) AS i(id uuid, place_id uuid, sha256 text, file_name text, width int, height int,
       recorded_at timestamptz, recorded_local timestamp, latitude float8, longitude float8, drive text, darkness float8, brightness float8,
       sun_altitude float8, weather_label text, time_of_day_label text, time_of_day_derived text,
       time_of_day_sensor text, scene_label text, counts int)
     ON CONFLICT (project_id, sha256) DO NOTHING RETURNING id, sha256`,
    [projectUuid, JSON.stringify(records)],
  );
  return new Map(inserted.map((row) => [row.sha256, row.id]));
}

function annotationsOf(
  row: RegisterImageRow,
  imageUuid: string | undefined,
  pictures: Map<string, Picture>,
): NewAnnotation[] {
  if (imageUuid === undefined) return [];
  const picture = pictures.get(row.sha256) as Picture;
  return (row.boxes ?? []).map((box) => ({
    ...box,
    ...(box.wholeImage ? { x: 0, y: 0, width: picture.width, height: picture.height } : {}),
    imageUuid,
  }));
}

async function uuidsOf(
  manager: EntityManager,
  projectUuid: string,
  rows: RegisterImageRow[],
): Promise<string[]> {
  const found: { id: string; sha256: string }[] = await manager.query(
    '/* image.registered */ SELECT id, sha256 FROM image WHERE project_id = $1 AND sha256 = ANY($2)',
    [projectUuid, rows.map((row) => row.sha256)],
  );
  const bySha = new Map(found.map((row) => [row.sha256, row.id]));
  return rows.map((row) => bySha.get(row.sha256) as string);
}
