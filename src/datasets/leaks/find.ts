/** Leaks between two splits: for each image that is measured on, whether the other split knows it already. */
import { HammingIndex } from './hamming.js';
import type { LeakColumns } from './items.js';

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

/** @param known the split that is learnt from; @param held the one that is measured on */
export function findLeaks(known: LeakColumns, held: LeakColumns, options: LeakOptions): Leak[] {
  return [
    collect(LeakKind.SAME_BYTES, held, sameValue(known.sha256, held.sha256, 'the same bytes')),
    collect(LeakKind.NEAR_DUPLICATE, held, nearDuplicate(known, held, options.nearDuplicateDistance)),
    collect(LeakKind.SAME_DRIVE, held, sameValue(known.drive, held.drive, 'drive')),
    collect(LeakKind.SAME_PLACE_AND_TIME, held, samePlaceAndTime(known, held, options)),
  ];
}

type Find = (at: number) => { known: number; shares: string } | null;

function collect(kind: LeakKind, held: LeakColumns, find: Find): Leak {
  const leak: Leak = { kind, images: 0, examples: [] };
  for (let at = 0; at < held.imageUuids.length; at++) {
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

function nearDuplicate(known: LeakColumns, held: LeakColumns, distance: number): Find {
  const index = new HammingIndex(known.hashes);
  const rowOf = new Map(Array.from(held.hashed, (row, at) => [row, at]));
  return (row) => {
    const at = rowOf.get(row);
    if (at === undefined) return null;
    let found: { known: number; shares: string } | null = null;
    index.near(held.hashes, at, distance, (member, apart) => {
      found = { known: known.hashed[member]!, shares: `${apart} of 64 bits apart` };
      return true;
    });
    return found;
  };
}

const EARTH_RADIUS_M = 6_371_008.8;
const RADIANS = Math.PI / 180;

/** Great-circle distance in metres (haversine; exact to 0.5 % on the ellipsoid). Degrees in. */
export function metresBetween(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const [a, b] = [lat1 * RADIANS, lat2 * RADIANS];
  const h =
    Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(((lon2 - lon1) * RADIANS) / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** By cells of the distance and the time: a neighbour is in one of the 81 around. */
function samePlaceAndTime(known: LeakColumns, held: LeakColumns, { metres, minutes }: LeakOptions): Find {
  const span = minutes * 60_000;
  const cells = cellsOf(metres, span);
  const members = new Map<string, number[]>();
  for (let at = 0; at < known.time.length; at++) {
    const cell = cells(known, at);
    if (!cell) continue;
    const key = cell.join(' ');
    const list = members.get(key);
    if (list) list.push(at);
    else members.set(key, [at]);
  }
  return (at) => {
    const cell = cells(held, at);
    if (!cell) return null;
    for (const key of around(cell))
      for (const other of members.get(key) ?? []) {
        const minutesApart = Math.abs(known.time[other]! - held.time[at]!) / 60_000;
        if (minutesApart > minutes) continue;
        const away = metresBetween(
          ...([
            known.latitude[other]!,
            known.longitude[other]!,
            held.latitude[at]!,
            held.longitude[at]!,
          ] as const),
        );
        if (away > metres) continue;
        return { known: other, shares: `${away.toFixed(0)} m and ${minutesApart.toFixed(1)} min apart` };
      }
    return null;
  };
}

type Cell = [x: number, y: number, z: number, t: number];

/**
 * Points on the sphere in cubes of the distance: a chord is never longer than its arc, so near points are in
 * neighbouring cubes everywhere, at the poles and across the date line too.
 */
function cellsOf(metres: number, span: number) {
  const side = Math.max(metres, 0.001);
  const step = Math.max(span, 1);
  return ({ latitude, longitude, time }: LeakColumns, at: number): Cell | null => {
    const [lat, lon, t] = [latitude[at]! * RADIANS, longitude[at]! * RADIANS, time[at]!];
    if (Number.isNaN(lat + lon + t)) return null;
    const ring = EARTH_RADIUS_M * Math.cos(lat);
    const point = [ring * Math.cos(lon), ring * Math.sin(lon), EARTH_RADIUS_M * Math.sin(lat)];
    const [x, y, z] = point.map((value) => Math.floor(value / side)) as [number, number, number];
    return [x, y, z, Math.floor(t / step)];
  };
}

const NEIGHBOURS = [-1, 0, 1];
function* around([x, y, z, t]: Cell): Generator<string, void> {
  for (const dx of NEIGHBOURS)
    for (const dy of NEIGHBOURS)
      for (const dz of NEIGHBOURS)
        for (const dt of NEIGHBOURS) yield `${x + dx} ${y + dy} ${z + dz} ${t + dt}`;
}
