/** What is wrong with rows that somebody wants to register. */
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import { boxProblem } from '../annotation/annotationService.js';
import type { LockedPlaces } from '../place/lockPlaces.js';
import type { PictureRow } from './imageRecord.js';
import type { RegisterImageRow } from './registerInputs.js';

export const MAX_BOXES_PER_IMAGE = 1000;
const MAX_ERRORS = 20;

const LOCAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;

/** February 31 has the form, and JavaScript takes it for March 2. */
const isLocalTime = (text: string) => {
  const time = LOCAL_TIME.test(text) ? new Date(`${text}Z`) : null;
  return Boolean(time && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text.slice(0, 16)));
};

/** @throws UserErrors with BAD_USER_INPUT, BLOB_MISSING, PLACE_UNKNOWN; each names its row */
export function checkRows(
  rows: RegisterImageRow[],
  pictures: Map<string, PictureRow>,
  places: LockedPlaces,
): void {
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
  picture: PictureRow | undefined,
  places: LockedPlaces,
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
  if (row.place && !places.named(row.place)) {
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
