/** How far the splits of a version know each other. */
import { setImmediate } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { MAX_DISTANCE } from '../../catalog/image/hashes/hamming.js';
import { toGlobalId } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import type { SplitName } from '../split/groups.js';
import { findLeaks, type Leak, type LeakKind, type LeakOptions } from './find.js';
import { leakColumns, type LeakColumns } from './items.js';

export const LEAK_DEFAULTS: LeakOptions = { nearDuplicateDistance: 4, metres: 50, minutes: 10 };

export interface SplitLeak {
  kind: LeakKind;
  known: SplitName;
  held: SplitName;
  images: number;
  /** Of the held split's images; 0 to 1. */
  share: number;
  examples: { knownUuid: string; heldUuid: string; shares: string }[];
}

export interface Leaks {
  leaks: SplitLeak[];
  /** Images that could not be compared. */
  withoutHash: number;
  withoutDrive: number;
  withoutPlaceOrTime: number;
}

const PAIRS = [
  ['TRAIN', 'VALIDATION'],
  ['TRAIN', 'TEST'],
  ['VALIDATION', 'TEST'],
] as const;

/** @throws ShingoError BAD_USER_INPUT for options out of range */
export async function leaksOf(
  db: DataSource | EntityManager,
  versionUuid: string,
  options: LeakOptions = LEAK_DEFAULTS,
): Promise<Leaks> {
  check(options);
  const columns = await leakColumns(db, versionUuid);
  const count = (of: (split: LeakColumns) => number) =>
    Object.values(columns).reduce((sum, split) => sum + of(split), 0);
  const leaks: SplitLeak[] = [];
  for (const [known, held] of PAIRS)
    for (const leak of await findLeaks(columns[known], columns[held], options, () => setImmediate()))
      leaks.push({
        ...{ kind: leak.kind, known, held, images: leak.images },
        share: leak.images === 0 ? 0 : leak.images / columns[held].imageUuids.length,
        examples: namesOf(leak, columns[known], columns[held]),
      });
  return {
    leaks,
    withoutHash: count((split) => split.imageUuids.length - split.hashed.length),
    withoutDrive: count((split) => split.drive.filter((drive) => drive === null).length),
    withoutPlaceOrTime: count(
      ({ time, latitude }) => time.filter((t, at) => Number.isNaN(t + latitude[at]!)).length,
    ),
  };
}

const namesOf = (leak: Leak, known: LeakColumns, held: LeakColumns) =>
  leak.examples.map((pair) => ({
    knownUuid: known.imageUuids[pair.known] as string,
    heldUuid: held.imageUuids[pair.held] as string,
    shares: pair.shares,
  }));

function check({ nearDuplicateDistance, metres, minutes }: LeakOptions): void {
  const within = (name: string, value: number, most: number) => {
    if (!(value >= 0 && value <= most))
      throw new ShingoError('BAD_USER_INPUT', `${name} is 0 to ${most}.`, 400, [name]);
  };
  within('nearDuplicateDistance', nearDuplicateDistance, MAX_DISTANCE);
  within('metres', metres, 10_000);
  within('minutes', minutes, 100_000);
}

/** @throws ShingoError DATASET_LEAKS, with examples, where more than this share of a held split is known to another */
export async function refuseLeaks(
  manager: EntityManager,
  versionUuid: string,
  maxShare: number,
): Promise<void> {
  if (maxShare >= 1) return;
  const { leaks } = await leaksOf(manager, versionUuid);
  const over = leaks.filter(({ share }) => share > maxShare).sort((a, b) => b.share - a.share);
  if (over.length === 0) return;
  const lines = over.slice(0, 4).map(({ kind, known, held, images, share, examples }) => {
    const [first] = examples;
    const example = first
      ? ` (for instance ${toGlobalId('Image', first.heldUuid)} and ${toGlobalId('Image', first.knownUuid)}: ${first.shares})`
      : '';
    return `${kind}: ${images} of the images of ${held}, ${(100 * share).toFixed(1)} %, are known from ${known}${example}`;
  });
  throw new ShingoError(
    'DATASET_LEAKS',
    `${lines.join('; ')}. Split by drive, place or time (strategy), or allow it with maxLeakShare (now ${maxShare}).`,
    400,
    ['maxLeakShare'],
  );
}
