import type { ShingoClient } from '../api.js';
import { PlaceBook } from '../places.js';
import { hasPlace, type LocatedRow, placeKey } from '../../datasets/formats/manifest/located.js';
import { readBatches, toInput } from './batches.js';
import { checkFolder, type CheckedFolder } from './check.js';
import { toImportError } from './server-errors.js';
import { uploadPictures } from './upload.js';

export { checkFolder, type CheckedFolder } from './check.js';
export { ImportError, type Problem } from '../../datasets/formats/manifest/problems.js';

export interface ImportProgress {
  phase: 'check' | 'import';
  /** Rows so far. */
  done: number;
  /** Unknown while the folder is still being read for the first time. */
  total: number | undefined;
}

export interface ImportOptions {
  folder: string;
  projectId: string;
  /** What checkFolder(folder) gave, where the caller has called it already. */
  checked?: CheckedFolder;
  /** For places that the project lacks and whose rows do not say. */
  timeZone?: string;
  onProgress?: (progress: ImportProgress) => void;
  onNotice?: (text: string) => void;
}

export interface ImportResult {
  rows: number;
  created: number;
  existing: number;
  /** They had come as labels only, and have their picture now. */
  filled: number;
  /** Rows without `boxes`: nobody has looked yet, which is not the same as nothing there. */
  unlabelled: number;
  /** Pictures that the server did not have. */
  uploaded: number;
  placesCreated: number;
}

const REGISTER_IMAGES = /* GraphQL */ `
  mutation RegisterImages($input: RegisterImagesInput!) {
    registerImages(input: $input) {
      created
      existing
      filled
      userErrors {
        code
        message
        field
      }
    }
  }
`;
const REGISTER_TIMEOUT_MS = 120_000;

/** Reads the whole folder for mistakes first, then sends it batch by batch; doing it again changes nothing. */
export async function importFolder(client: ShingoClient, options: ImportOptions): Promise<ImportResult> {
  const { folder, onProgress, onNotice } = options;
  const checked =
    options.checked ??
    (await checkFolder(folder, {
      onNotice,
      onProgress: (done) => onProgress?.({ phase: 'check', done, total: undefined }),
      signal: client.signal,
    }));
  const places = new PlaceBook(client, options.projectId);
  const result: ImportResult = {
    rows: 0,
    created: 0,
    existing: 0,
    filled: 0,
    unlabelled: 0,
    uploaded: 0,
    placesCreated: 0,
  };
  onProgress?.({ phase: 'import', done: 0, total: checked.rows });
  try {
    await importBatches(client, checked, places, result, options);
  } catch (error) {
    // Said because it matters for what to do next: nothing is lost, and nothing needs undoing.
    if (result.rows > 0) {
      onNotice?.(
        `${result.rows} of ${checked.rows} images are registered; the next import goes on from there`,
      );
    }
    throw error;
  }
  result.placesCreated = places.created;
  return result;
}

async function importBatches(
  client: ShingoClient,
  checked: CheckedFolder,
  places: PlaceBook,
  result: ImportResult,
  options: ImportOptions,
): Promise<void> {
  const { onProgress } = options;
  for await (const batch of readBatches(checked.source)) {
    client.signal?.throwIfAborted();
    const { hashes, uploaded } = await uploadPictures(client, batch, (count, of) => {
      const done = result.rows + Math.floor((count / of) * batch.length);
      onProgress?.({ phase: 'import', done, total: checked.rows });
    });
    await ensurePlaces(places, batch, checked, options);
    const { created, existing, filled } = await register(client, options.projectId, batch, hashes);
    result.rows += batch.length;
    result.created += created;
    result.existing += existing;
    result.filled += filled;
    result.uploaded += uploaded;
    result.unlabelled += batch.filter(({ row }) => row.boxes === undefined).length;
    onProgress?.({ phase: 'import', done: result.rows, total: checked.rows });
  }
}

type Registered = Pick<ImportResult, 'created' | 'existing' | 'filled'>;

async function register(
  client: ShingoClient,
  projectId: string,
  batch: LocatedRow[],
  hashes: string[],
): Promise<Registered> {
  const input = { projectId, rows: batch.map((located, index) => toInput(located, hashes[index]!)) };
  try {
    // Idempotent: images are known by their bytes, so a repeated batch finds them there.
    return await client.mutate<Registered>(REGISTER_IMAGES, input, {
      idempotent: true,
      timeoutMs: REGISTER_TIMEOUT_MS,
    });
  } catch (error) {
    throw toImportError(error, batch);
  }
}

/** After the pictures, before the rows: a batch with a broken picture leaves no place behind. */
async function ensurePlaces(
  places: PlaceBook,
  batch: LocatedRow[],
  checked: CheckedFolder,
  options: ImportOptions,
): Promise<void> {
  for (const { row } of batch) {
    if (!hasPlace(row)) continue;
    const { country, prefecture, city, latitude, longitude } = row;
    const names = { country, prefecture, city };
    if (await places.has(names)) continue;
    const timeZone = checked.timeZones.get(placeKey(names)) ?? options.timeZone;
    if (!timeZone) {
      options.onNotice?.(
        `${city}, ${prefecture}, ${country}: no time zone is given, UTC is taken (--time-zone)`,
      );
    }
    await places.ensure({ ...names, timeZone: timeZone ?? 'UTC', latitude, longitude });
  }
}
