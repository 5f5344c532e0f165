/** The near-duplicates among all images of a project: long work, for a job. */
import { setImmediate } from 'node:timers/promises';
import { MAX_DISTANCE } from '../../catalog/image/hashes/hamming.js';
import type { Where } from '../../graphql/list/where.js';
import { toGlobalId } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext, TaskFile } from '../../platform/task.js';
import { distinctHashes } from './distinct.js';
import { joinAll, type Group } from './join.js';
import { writePairs } from './pairsFile.js';

export interface DuplicatesQuestion {
  projectUuid: string;
  /** Bits of 64, 0 to 7; missing: 4, as in leak reports. */
  distance?: number;
  where?: Where | null;
  /** Pairs in the file, 1 to 1,000,000; missing: 100,000. */
  maxPairs?: number;
}

export interface DuplicatesReport {
  /** Images that the filter chooses. */
  images: number;
  /** Those whose pictures have no perceptual hash: not compared. */
  withoutHash: number;
  distance: number;
  /** Of k images with equal hashes the first (by id) stands for all, and makes k - 1 pairs with the others. */
  pairs: number;
  /** Images that pairs connect, two or more. */
  groups: number;
  /** Images in groups: one of each group is no duplicate. */
  grouped: number;
  /** Images. */
  largestGroup: number;
  /** The file has not all pairs; numbers and groups are right all the same. */
  truncated: boolean;
  /** The largest groups, 20 at most, with 10 of their images at most. */
  examples: { images: number; members: { imageId: string; distanceToFirst: number }[] }[];
}

const DEFAULT_DISTANCE = 4;
const DEFAULT_PAIRS = 100_000;
const MAX_PAIRS = 1_000_000;
const MAX_EXAMPLES = 20;
const MAX_MEMBERS = 10;

/**
 * Exact, of one moment; a million images take about 60 MB. Begins anew after an interruption: it is a matter of seconds.
 * @returns the report, and pairs.csv
 * @throws ShingoError BAD_USER_INPUT, FILTER_INVALID, CONDITION_UNKNOWN, DUPLICATES_TOO_MANY
 */
export async function findDuplicates(
  task: TaskContext,
  { projectUuid, distance = DEFAULT_DISTANCE, where = null, maxPairs = DEFAULT_PAIRS }: DuplicatesQuestion,
): Promise<{ report: DuplicatesReport; files: TaskFile[] }> {
  checkDuplicatesQuestion({ distance, maxPairs });
  const { hashes, withoutHash } = await distinctHashes(task, projectUuid, where);
  const { pairs, groups } = await joinAll(hashes, distance, maxPairs, async (done, total) => {
    task.progress('COMPARING', done, total);
    task.signal.throwIfAborted();
    await setImmediate();
  });
  const { largest, ...counts } = groups.summary(MAX_EXAMPLES, MAX_MEMBERS);
  const example = ({ images, members }: Group) => ({
    images,
    members: members.map((member) => ({
      imageId: toGlobalId('Image', hashes.uuid(member.image)),
      distanceToFirst: member.distance,
    })),
  });
  const file = await writePairs(task, hashes, pairs);
  return {
    report: {
      images: hashes.images + withoutHash,
      withoutHash,
      distance,
      pairs: pairs.all,
      ...counts,
      largestGroup: largest[0]?.images ?? 0,
      truncated: pairs.all > pairs.kept,
      examples: largest.map(example),
    },
    files: [file],
  };
}

/** @throws ShingoError BAD_USER_INPUT */
export function checkDuplicatesQuestion({
  distance,
  maxPairs,
}: {
  distance: number;
  maxPairs: number;
}): void {
  within('distance', distance, 0, MAX_DISTANCE);
  within('maxPairs', maxPairs, 1, MAX_PAIRS);
}

function within(name: string, value: number, least: number, most: number): void {
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new ShingoError('BAD_USER_INPUT', `${name} is ${least} to ${most}.`, 400, [name]);
}
