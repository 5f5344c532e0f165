/** Leaks between two splits: for each image that is measured on, whether the other split knows it already. */
import { nearAny, type Pause } from '../../catalog/image/hashes/hamming.js';
import type { LeakColumns } from './items.js';
import { metresBetween, NearbyIndex } from './nearby.js';

export enum LeakKind {
  SAME_BYTES = 'SAME_BYTES',
  NEAR_DUPLICATE = 'NEAR_DUPLICATE',
  SAME_DRIVE = 'SAME_DRIVE',
  SAME_PLACE_AND_TIME = 'SAME_PLACE_AND_TIME',
}

export interface LeakOptions {
  /** Bits of 64, at most 7. */
  nearDuplicateDistance: number;
  metres: number;
  minutes: number;
}

/** Rows: one of each split, and what they share. */
export interface LeakPair {
  known: number;
  held: number;
  shares: string;
}

export interface Leak {
  kind: LeakKind;
  /** Images of the held split that leak. */
  images: number;
  examples: LeakPair[];
}

const MAX_EXAMPLES = 5;

/**
 * @param known the split that is learnt from
 * @param held the one that is measured on
 * @param pause lets others work: 100,000 images take about a second
 */
export async function findLeaks(
  known: LeakColumns,
  held: LeakColumns,
  options: LeakOptions,
  pause: Pause,
): Promise<Leak[]> {
  const finds: [LeakKind, Find][] = [
    [LeakKind.SAME_BYTES, sameValue(known.sha256, held.sha256, 'the same bytes')],
    [LeakKind.NEAR_DUPLICATE, await nearDuplicate(known, held, options.nearDuplicateDistance, pause)],
    [LeakKind.SAME_DRIVE, sameValue(known.drive, held.drive, 'drive')],
    [LeakKind.SAME_PLACE_AND_TIME, await samePlaceAndTime(known, held, options, pause)],
  ];
  const leaks: Leak[] = [];
  for (const [kind, find] of finds) leaks.push(await collect(kind, held, find, pause));
  return leaks;
}

/** Images between two pauses. */
const STRETCH = 5000;

type Find = (at: number) => { known: number; shares: string } | null;

async function collect(kind: LeakKind, held: LeakColumns, find: Find, pause: Pause): Promise<Leak> {
  const leak: Leak = { kind, images: 0, examples: [] };
  for (let at = 0; at < held.imageUuids.length; at++) {
    if (at % STRETCH === 0) await pause(at, held.imageUuids.length);
    const found = find(at);
    if (!found) continue;
    leak.images += 1;
    if (leak.examples.length < MAX_EXAMPLES) leak.examples.push({ ...found, held: at });
  }
  return leak;
}

function sameValue(known: (string | null)[], held: (string | null)[], what: string): Find {
  const first = new Map<string, number>();
  known.forEach((value, at) => value !== null && !first.has(value) && first.set(value, at));
  return (at) => {
    const value = held[at] as string | null;
    const same = value === null ? undefined : first.get(value);
    if (same === undefined) return null;
    return { known: same, shares: what === 'drive' ? `drive ${value}` : what };
  };
}

async function nearDuplicate(
  known: LeakColumns,
  held: LeakColumns,
  distance: number,
  pause: Pause,
): Promise<Find> {
  const near = await nearAny(known.hashes, held.hashes, distance, pause);
  const hashOf = new Int32Array(held.imageUuids.length).fill(-1);
  held.hashed.forEach((row, at) => (hashOf[row] = at));
  return (row) => {
    const at = hashOf[row]!;
    if (at < 0 || near.known[at]! < 0) return null;
    return { known: known.hashed[near.known[at]!]!, shares: `${near.apart[at]} of 64 bits apart` };
  };
}

async function samePlaceAndTime(
  known: LeakColumns,
  held: LeakColumns,
  { metres, minutes }: LeakOptions,
  pause: Pause,
): Promise<Find> {
  const index = await NearbyIndex.of(known, pause);
  return (at) => {
    const other = index.near(held, at, metres, minutes);
    if (other < 0) return null;
    const [from, to] = [
      [known.latitude[other]!, known.longitude[other]!],
      [held.latitude[at]!, held.longitude[at]!],
    ] as const;
    const minutesApart = Math.abs(known.time[other]! - held.time[at]!) / 60_000;
    return {
      known: other,
      shares: `${metresBetween(...from, ...to).toFixed(0)} m and ${minutesApart.toFixed(1)} min apart`,
    };
  };
}
