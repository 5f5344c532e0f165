/** Points in space and time: is there one near another? By a tree of boxes, so that crowds cost no more than deserts. */
import type { Pause } from '../../catalog/image/hashes/hamming.js';

const EARTH_RADIUS_M = 6_371_008.8;
const RADIANS = Math.PI / 180;

/** Great-circle distance in metres (haversine; exact to 0.5 % on the ellipsoid). Degrees in. */
export function metresBetween(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const [a, b] = [lat1 * RADIANS, lat2 * RADIANS];
  const h =
    Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(((lon2 - lon1) * RADIANS) / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Degrees, and milliseconds since 1970; NaN: not known. */
export interface Places {
  latitude: Float64Array;
  longitude: Float64Array;
  time: Float64Array;
}

/** Metres along three axes and milliseconds: a chord through the earth is never longer than the arc above it. */
const AXES = 4;
const LEAF = 16;
/** Of positions on earth as doubles: a thousand times what rounding does to them. */
const SLACK_M = 1e-6;

/** A balanced k-d tree (Bentley 1975) with the box of each node. About 70 bytes a point. */
export class NearbyIndex {
  /** Rows of the points, in the order of the leaves. */
  private rows: Uint32Array;
  private points: Float64Array;
  /** Least and most along each axis, of node n from 2 × AXES × n on; node n has children 2 n + 1 and 2 n + 2. */
  private boxes: Float64Array;

  private constructor(private readonly places: Places) {
    const known = Array.from(places.time.keys()).filter((row) => isKnown(places, row));
    this.rows = Uint32Array.from(known);
    this.points = new Float64Array(AXES * known.length);
    known.forEach((row, at) => this.points.set(pointOf(places, row), AXES * at));
    let nodes = 1;
    for (let size = known.length; size > LEAF; size = Math.ceil(size / 2)) nodes = 2 * nodes + 1;
    this.boxes = new Float64Array(2 * AXES * nodes);
  }

  static async of(places: Places, pause: Pause): Promise<NearbyIndex> {
    const index = new NearbyIndex(places);
    const left: [node: number, from: number, to: number][] = [[0, 0, index.rows.length]];
    let read = 0;
    for (let next = left.pop(); next; next = left.pop()) {
      const [node, from, to] = next;
      const axis = index.measure(node, from, to);
      if (to - from <= LEAF) continue;
      const middle = (from + to + 1) >>> 1;
      index.select(from, to, middle, axis);
      left.push([2 * node + 1, from, middle], [2 * node + 2, middle, to]);
      if ((read += to - from) < 1_000_000) continue;
      read = 0;
      await pause(0, 1);
    }
    return index;
  }

  /** The row of a point within so many metres and minutes of row `at` of `places`, or -1. */
  near(places: Places, at: number, metres: number, minutes: number): number {
    if (this.rows.length === 0 || !isKnown(places, at)) return -1;
    return this.search(0, 0, this.rows.length, { places, at, point: pointOf(places, at), metres, minutes });
  }

  private search(node: number, from: number, to: number, question: Question): number {
    if (!this.reaches(node, question)) return -1;
    if (to - from <= LEAF) {
      for (let at = from; at < to; at++) if (this.isNear(this.rows[at]!, question)) return this.rows[at]!;
      return -1;
    }
    const middle = (from + to + 1) >>> 1;
    const found = this.search(2 * node + 1, from, middle, question);
    return found >= 0 ? found : this.search(2 * node + 2, middle, to, question);
  }

  private reaches(node: number, { point, metres, minutes }: Question): boolean {
    const box = 2 * AXES * node;
    let squared = 0;
    for (let axis = 0; axis < AXES; axis++) {
      const [least, most] = [this.boxes[box + 2 * axis]!, this.boxes[box + 2 * axis + 1]!];
      const away = Math.max(0, least - point[axis]!, point[axis]! - most);
      if (axis === AXES - 1) return away / 60_000 <= minutes && squared <= (metres + SLACK_M) ** 2;
      squared += away * away;
    }
    return false;
  }

  private isNear(row: number, { places, at, metres, minutes }: Question): boolean {
    const own = this.places;
    if (Math.abs(own.time[row]! - places.time[at]!) / 60_000 > minutes) return false;
    return (
      metresBetween(
        ...([own.latitude[row]!, own.longitude[row]!] as const),
        ...([places.latitude[at]!, places.longitude[at]!] as const),
      ) <= metres
    );
  }

  /** Sets the box of a node; returns the axis along which it is the longest, a minute being worth 5 metres. */
  private measure(node: number, from: number, to: number): number {
    let [widest, width] = [0, -1];
    for (let axis = 0; axis < AXES; axis++) {
      let [least, most] = [Infinity, -Infinity];
      for (let at = from; at < to; at++) {
        const value = this.points[AXES * at + axis]!;
        if (value < least) least = value;
        if (value > most) most = value;
      }
      this.boxes[2 * (AXES * node + axis)] = least;
      this.boxes[2 * (AXES * node + axis) + 1] = most;
      const extent = (most - least) * (axis === AXES - 1 ? 5 / 60_000 : 1);
      if (extent > width) [widest, width] = [axis, extent];
    }
    return widest;
  }

  /** Puts the points from `from` to `to` in such an order that those before `middle` are no greater than those after it (Hoare 1961). */
  private select(from: number, to: number, middle: number, axis: number): void {
    let [low, high] = [from, to - 1];
    const value = (at: number) => this.points[AXES * at + axis]!;
    while (low < high) {
      const pivot = value((low + high) >>> 1);
      let [i, j] = [low, high];
      while (i <= j) {
        while (value(i) < pivot) i++;
        while (value(j) > pivot) j--;
        if (i <= j) this.swap(i++, j--);
      }
      if (middle <= j) high = j;
      else if (middle >= i) low = i;
      else return;
    }
  }

  private swap(a: number, b: number): void {
    const { rows, points } = this;
    [rows[a], rows[b]] = [rows[b]!, rows[a]!];
    for (let axis = 0; axis < AXES; axis++) {
      const kept = points[AXES * a + axis]!;
      points[AXES * a + axis] = points[AXES * b + axis]!;
      points[AXES * b + axis] = kept;
    }
  }
}

interface Question {
  places: Places;
  at: number;
  point: number[];
  metres: number;
  minutes: number;
}

const isKnown = ({ latitude, longitude, time }: Places, at: number) =>
  !Number.isNaN(latitude[at]! + longitude[at]! + time[at]!);

function pointOf({ latitude, longitude, time }: Places, at: number): number[] {
  const [lat, lon] = [latitude[at]! * RADIANS, longitude[at]! * RADIANS];
  const ring = EARTH_RADIUS_M * Math.cos(lat);
  return [ring * Math.cos(lon), ring * Math.sin(lon), EARTH_RADIUS_M * Math.sin(lat), time[at]!];
}
