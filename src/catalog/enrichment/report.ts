/** What an enrichment has done, as plain JSON of bounded size: it is kept as the checkpoint too. */
import { toGlobalId } from '../../graphql/node.js';
import type { Category } from '../vocabulary.js';

export enum EnrichmentKind {
  DARKNESS = 'DARKNESS',
  SUN_ALTITUDE = 'SUN_ALTITUDE',
  PERCEPTUAL_HASH = 'PERCEPTUAL_HASH',
  OBJECTS = 'OBJECTS',
}

/**
 * NO_PICTURE: only labels are here. PICTURE_MISSING: its file is not in the blob store. PICTURE_*: it does not decode;
 * see docs/errors.md. NO_TIME, NO_POSITION: the sun cannot be told. LABELLED: a person has looked. NO_LIGHT: there is
 * no light to tell the colour of. CHANGED_MEANWHILE:
 * somebody else wrote the same image between look and write.
 */
export type SkipReason =
  | 'NO_PICTURE'
  | 'PICTURE_MISSING'
  | `PICTURE_${string}`
  | 'NO_TIME'
  | 'NO_POSITION'
  | 'LABELLED'
  | 'NO_LIGHT'
  | 'CHANGED_MEANWHILE';

export interface FailedImage {
  imageId: string;
  fileName: string;
  reason: SkipReason;
  message: string;
}

/** Of any work that goes through images. */
export interface WalkReport {
  /** Looked at: changed + unchanged + skipped. */
  images: number;
  changed: number;
  unchanged: number;
  skipped: { reason: SkipReason; count: number }[];
  /** The first of those whose picture could not be read. */
  failed: FailedImage[];
}

export interface EnrichmentReport extends WalkReport {
  kind: EnrichmentKind;
  /** Written by OBJECTS, by category; of the images that changed. */
  objects: { category: Category; count: number }[];
}

export const MAX_FAILED = 20;

/** What became of one image. */
export type Outcome =
  | { outcome: 'CHANGED' }
  | { outcome: 'UNCHANGED' }
  | { outcome: 'SKIPPED'; reason: SkipReason; message?: string };

export const emptyWalk = (): WalkReport => ({ images: 0, changed: 0, unchanged: 0, skipped: [], failed: [] });
export const emptyReport = (kind: EnrichmentKind): EnrichmentReport => ({
  kind,
  ...emptyWalk(),
  objects: [],
});

/** The list with n more of a value. */
export function count<K extends string, T extends Record<K, string> & { count: number }>(
  list: T[],
  key: K,
  value: T[K],
  n: number,
): T[] {
  const known = list.find((entry) => entry[key] === value);
  if (known) return list.map((entry) => (entry === known ? { ...entry, count: entry.count + n } : entry));
  return [...list, { [key]: value, count: n } as T].sort((a, b) => (a[key] < b[key] ? -1 : 1));
}

/** The report with one image more. */
export function withImage<R extends WalkReport>(
  report: R,
  image: { id: string; file_name: string },
  result: Outcome,
): R {
  const after = { ...report, images: report.images + 1 };
  if (result.outcome === 'CHANGED') return { ...after, changed: after.changed + 1 };
  if (result.outcome === 'UNCHANGED') return { ...after, unchanged: after.unchanged + 1 };
  const { reason, message } = result;
  after.skipped = count(after.skipped, 'reason', reason, 1);
  if (message !== undefined && after.failed.length < MAX_FAILED) {
    const failed = { imageId: toGlobalId('Image', image.id), fileName: image.file_name, reason, message };
    after.failed = [...after.failed, failed];
  }
  return after;
}

export const withObjects = (report: EnrichmentReport, categories: readonly Category[]): EnrichmentReport => ({
  ...report,
  objects: categories.reduce((list, category) => count(list, 'category', category, 1), report.objects),
});
