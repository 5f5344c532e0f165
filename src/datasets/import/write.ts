/** One batch into the database: new images are made, those that wait are filled in, a person's labels stay. */
import type { EntityManager } from 'typeorm';
import { copyLabels, fingerprint, labelRows, labelsOf } from '../../catalog/annotation/storedAnnotations.js';
import { imageRecord } from '../../catalog/image/imageRecord.js';
import { instants } from '../../catalog/image/instants.js';
import {
  fillImages,
  imagesByDigest,
  imagesByName,
  insertImages,
  lockImages,
  lockNewImages,
  merged,
  type NewImage,
  type StoredImage,
} from '../../catalog/image/storedImages.js';
import { ensurePlaces, lockPlaces, type LockedPlaces } from '../../catalog/place/lockPlaces.js';
import type { ReadyItem } from './prepare.js';
import { leaveOut, type Tally } from './report.js';

/**
 * Counts what it does into `tally`.
 * @param onSent called when nothing is left to do but to wait for the database
 * @returns where each image that was made or filled in came from, by its UUID
 */
export async function writeBatch(
  manager: EntityManager,
  projectUuid: string,
  items: readonly ReadyItem[],
  tally: Tally,
  onSent: () => void,
): Promise<Map<string, string>> {
  await lockNewImages(manager, projectUuid);
  const named = items.flatMap(({ item }) => item.place ?? []);
  tally.placesCreated += await ensurePlaces(manager, projectUuid, placesOf(items));
  const { fresh, known } = await sorted(manager, projectUuid, items, tally);
  // Those that may be filled in; a labelled image that has its picture stays as it is.
  const open = known.filter(({ image, ready }) => !image.labelled || (!image.sha256 && ready.picture));
  const places = await lockPlaces(
    manager,
    projectUuid,
    named,
    open.flatMap(({ image }) => image.placeUuid ?? []),
  );
  await setInstants(manager, items, places);
  const filled = await fill(manager, open, places);
  const made = fresh.map((ready): NewImage => {
    const place = places.named(ready.item.place);
    return {
      record: imageRecord(ready.id, ready.facts, ready.picture, place),
      labelled: ready.facts.labelled,
    };
  });
  await insertImages(manager, projectUuid, made);
  const labelled = [...fresh, ...filled.labelled.map(({ ready }) => ready)];
  const rows = [
    ...fresh.map(({ rows }) => rows),
    ...filled.labelled.map(({ ready, image }) => labelRows(image.id, ready.boxes ?? [])),
  ].filter(({ length }) => length > 0);
  if (rows.length > 0) await copyLabels(manager, [Buffer.concat(rows)], onSent);
  tally.created += fresh.length;
  tally.filled += filled.images.size;
  tally.annotations += labelled.reduce((sum, { boxes }) => sum + (boxes?.length ?? 0), 0);
  const stayed = known.filter(({ image }) => !filled.images.has(image.id));
  tally.existing += stayed.length;
  await compare(
    manager,
    known.filter((one) => one.image.labelled && one.ready.facts.labelled),
    tally,
  );
  const written = known.filter(({ image }) => filled.images.has(image.id));
  return new Map([
    ...fresh.map((ready) => [ready.id, ready.item.position] as const),
    ...written.map(({ ready, image }) => [image.id, ready.item.position] as const),
  ]);
}

interface Known {
  ready: ReadyItem;
  image: StoredImage;
}

/** Which items are new, and which image each of the others is: by its bytes, else by its name. */
async function sorted(
  manager: EntityManager,
  projectUuid: string,
  items: readonly ReadyItem[],
  tally: Tally,
): Promise<{ fresh: ReadyItem[]; known: Known[] }> {
  const digests = items.flatMap(({ picture }) => picture?.sha256 ?? []);
  const byDigest = await imagesByDigest(manager, projectUuid, digests);
  const names = [...new Set(items.map(({ item }) => item.fileName))];
  const byName = await imagesByName(manager, projectUuid, names);
  const [fresh, known]: [ReadyItem[], Known[]] = [[], []];
  /** What an earlier item of this batch has taken. */
  const taken = new Map<string, ReadyItem>();
  for (const ready of items) {
    const { picture } = ready;
    const { fileName } = ready.item;
    const earlier = taken.get(picture ? `bytes ${picture.sha256}` : `name ${fileName}`);
    if (earlier) {
      repeated(ready, earlier, tally);
      continue;
    }
    taken.set(`name ${fileName}`, ready);
    if (picture) taken.set(`bytes ${picture.sha256}`, ready);
    const candidates = byName.get(fileName) ?? [];
    const image = picture
      ? (byDigest.get(picture.sha256) ?? candidates.find(({ sha256 }) => sha256 === null))
      : candidates[0];
    if (!image) fresh.push(ready);
    else if (!picture && candidates.length > 1) leaveOut(tally, 'frames whose file name several images have');
    else known.push({ ready, image });
  }
  return { fresh, known };
}

/** The same file twice: the first counts. */
function repeated(ready: ReadyItem, earlier: ReadyItem, tally: Tally): void {
  tally.existing += 1;
  if (ready.boxes && earlier.boxes && fingerprint(ready.boxes) !== fingerprint(earlier.boxes))
    addDifferent(tally, ready, earlier.id);
}

const placesOf = (items: readonly ReadyItem[]) =>
  items.flatMap(({ item }) =>
    item.place ? [{ ...item.place, latitude: item.latitude, longitude: item.longitude }] : [],
  );

/** Wall-clock times, now that the places are there. */
async function setInstants(
  manager: EntityManager,
  items: readonly ReadyItem[],
  places: LockedPlaces,
): Promise<void> {
  const local = items.filter(({ item }) => item.recordedLocal != null);
  const found = await instants(
    manager,
    local.map(({ item }) => ({ local: item.recordedLocal!, zone: places.named(item.place)!.time_zone })),
  );
  local.forEach((ready, index) => (ready.facts.recordedAt = found[index]));
}

async function fill(manager: EntityManager, open: Known[], places: LockedPlaces) {
  const locked = await lockImages(
    manager,
    open.map(({ image }) => image.id),
  );
  const fills: NewImage[] = [];
  const labelled: Known[] = [];
  for (const { ready, image } of open) {
    const now = locked.get(image.id);
    if (!now) continue;
    const place = places.named(ready.item.place)?.id ?? null;
    const fill = merged(now, ready.facts, ready.picture, places, place);
    if (!fill) continue;
    fills.push(fill);
    if (fill.labelsTaken) labelled.push({ ready, image });
  }
  await fillImages(manager, fills);
  return { images: new Set(fills.map(({ record }) => record.id)), labelled };
}

/** Conditions count too, where both say one. */
async function compare(manager: EntityManager, known: Known[], tally: Tally): Promise<void> {
  const labels = await labelsOf(
    manager,
    known.map(({ image }) => image.id),
  );
  for (const { ready, image } of known) {
    const same =
      fingerprint(ready.boxes ?? []) === fingerprint(labels.get(image.id) ?? []) &&
      (['weather', 'timeOfDay', 'scene'] as const).every(
        (field) => image[field] === null || ready.item[field] == null || image[field] === ready.item[field],
      );
    if (!same) addDifferent(tally, ready, image.id);
  }
}

function addDifferent(tally: Tally, { item }: ReadyItem, imageUuid: string): void {
  tally.different += 1;
  if (tally.examples.length < 20)
    tally.examples.push({ fileName: item.fileName, position: item.position, imageUuid });
}
