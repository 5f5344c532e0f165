/**
 * One project's images as columns in memory: what coverage counts over. A million images are about 150 MB and are
 * counted in milliseconds, where PostgreSQL reads half a gigabyte of rows.
 */
import type { Boxes } from './boxes/boxes.js';
import { grown } from './grown.js';
import { LightColor, Scene, TimeOfDay, WeatherName } from '../../vocabulary.js';

/** Codes start at 1; 0 is missing. */
export const CODED = {
  weather: Object.values(WeatherName) as string[],
  timeOfDay: Object.values(TimeOfDay) as string[],
  scene: Object.values(Scene) as string[],
};
/** Upper bounds of a light's width in pixels; the last bin is open. */
const SIZE_BOUNDS = [8, 16, 32];
export const LIGHT_SIZES = ['<8', '8-16', '16-32', '>=32'];
export const LIGHT_COLORS = Object.values(LightColor) as string[];

/** Missing is NaN. Times are milliseconds since 1970. */
export const NUMBERS = [
  'latitude',
  'longitude',
  'width',
  'height',
  'darkness',
  'brightness',
  'sunAltitude',
  'people',
  'cars',
  'bicycles',
  'buses',
  'trafficLights',
  'recordedAt',
  'createdAt',
  'weatherConflict',
  'timeOfDayConflict',
] as const;
export type NumberColumn = (typeof NUMBERS)[number];

/** Of one image, as the database has it. */
export interface ImageValues {
  nr: number;
  weather: number;
  timeOfDay: number;
  scene: number;
  /** 0 to 23 by the clock of the place; NaN: no time or no place. */
  hour: number;
  /** 1 to 12 by the clock of the place. */
  month: number;
  place: string | null;
  drive: string | null;
  numbers: ArrayLike<number>;
  lightColors: number[];
  lightWidths: number[];
}

export interface PlaceValues {
  id: string;
  country: string;
  prefecture: string;
  city: string;
}

/** Texts as numbers from 1 on; 0 is missing. */
export class Dictionary {
  readonly texts: (string | null)[] = [null];
  private readonly codes = new Map<string, number>();

  code(text: string | null): number {
    if (text === null) return 0;
    let code = this.codes.get(text);
    if (code === undefined) {
      code = this.texts.push(text) - 1;
      this.codes.set(text, code);
    }
    return code;
  }
}

/** Cross-tabs of dashboards that ask the same again and again: the last ones, within a bound of cells. */
export class Answers {
  private readonly kept = new Map<string, { cells: unknown[] }>();
  private cells = 0;

  get<T extends { cells: unknown[] }>(question: string): T | undefined {
    return this.kept.get(question) as T | undefined;
  }

  keep(question: string, answer: { cells: unknown[] }): void {
    this.kept.set(question, answer);
    this.cells += answer.cells.length;
    for (const [oldest, { cells }] of this.kept) {
      if (this.cells <= MAX_KEPT_CELLS && this.kept.size <= MAX_KEPT_ANSWERS) break;
      this.kept.delete(oldest);
      this.cells -= cells.length;
    }
  }

  clear(): void {
    this.kept.clear();
    this.cells = 0;
  }
}
const MAX_KEPT_ANSWERS = 500;
/** About 20 MB. */
const MAX_KEPT_CELLS = 200_000;

export class Columns {
  /** Rows in use, those of deleted images among them. */
  size = 0;
  private capacity = 1024;
  private readonly rowOf = new Map<number, number>();
  private readonly free: number[] = [];

  /** 1: an image of the project. */
  alive = new Uint8Array(this.capacity);
  /** Codes are all of one type, so that the loops over them stay compiled for it. */
  weather = new Int32Array(this.capacity);
  timeOfDay = new Int32Array(this.capacity);
  scene = new Int32Array(this.capacity);
  /** 0: missing; else one more than the hour. */
  hour = new Int32Array(this.capacity);
  month = new Int32Array(this.capacity);
  /** 0: nobody has looked; 1: none; 2: some. */
  hasLight = new Int32Array(this.capacity);
  /** Codes of `places` and `drives`. */
  place = new Int32Array(this.capacity);
  drive = new Int32Array(this.capacity);
  readonly numbers = Object.fromEntries(
    NUMBERS.map((name) => [name, new Float64Array(this.capacity)]),
  ) as Record<NumberColumn, Float64Array>;

  /** Traffic lights, and people, cars, bicycles, buses and traffic lights; 0 where nobody has looked. */
  lightTotal = new Int32Array(this.capacity);
  objectTotal = new Int32Array(this.capacity);

  /** Lights of row i: lightStart[i] up to lightStart[i] + lightCount[i] in the two arrays below. */
  lightStart = new Uint32Array(this.capacity);
  lightCount = new Uint32Array(this.capacity);
  /** Code of the colour (0: nobody has said) × 4 + index of LIGHT_SIZES. */
  lightKind = new Uint8Array(1024);
  lightWidth = new Float64Array(1024);
  lights = 0;

  /** Null until the first question about boxes that are no lights. */
  boxes: Boxes | null = null;
  /** When there were more boxes than may be kept, by performance.now(). */
  boxesRefused = -Infinity;

  readonly places = new Dictionary();
  readonly drives = new Dictionary();
  /** Names by code of place; null: missing. */
  placeNames: { country: (string | null)[]; prefecture: (string | null)[]; city: (string | null)[] } = {
    country: [null],
    prefecture: [null],
    city: [null],
  };

  get images(): number {
    return this.rowOf.size;
  }

  /** The row of the image with this number, or undefined. */
  row(nr: number): number | undefined {
    return this.rowOf.get(nr);
  }

  setPlaces(places: PlaceValues[]): void {
    this.changed();
    this.axes.clear();
    for (const { id, country, prefecture, city } of places) {
      const code = this.places.code(id);
      this.placeNames.country[code] = country;
      this.placeNames.prefecture[code] = prefecture;
      this.placeNames.city[code] = city;
    }
  }

  remove(nr: number): void {
    const row = this.rowOf.get(nr);
    if (row === undefined) return;
    this.rowOf.delete(nr);
    this.alive[row] = 0;
    this.free.push(row);
    this.boxes?.clear(row);
    this.changed();
  }

  set(image: ImageValues): void {
    let row = this.rowOf.get(image.nr);
    if (row === undefined) {
      row = this.free.pop() ?? this.size++;
      if (row >= this.capacity) this.grow();
      this.rowOf.set(image.nr, row);
    }
    this.alive[row] = 1;
    this.weather[row] = image.weather;
    this.timeOfDay[row] = image.timeOfDay;
    this.scene[row] = image.scene;
    this.hour[row] = Number.isNaN(image.hour) ? 0 : image.hour + 1;
    this.month[row] = Number.isNaN(image.month) ? 0 : image.month;
    this.place[row] = this.places.code(image.place);
    this.drive[row] = this.drives.code(image.drive);
    NUMBERS.forEach((name, index) => {
      this.numbers[name][row] = image.numbers[index] as number;
    });
    const lights = this.numbers.trafficLights[row]!;
    this.hasLight[row] = Number.isNaN(lights) ? 0 : lights > 0 ? 2 : 1;
    const count = (name: NumberColumn) => this.numbers[name][row] || 0;
    this.lightTotal[row] = count('trafficLights');
    this.objectTotal[row] =
      count('people') + count('cars') + count('bicycles') + count('buses') + count('trafficLights');
    this.setLights(row, image);
    this.changed();
  }

  /** Of conditions, by their filters. */
  readonly masks = new Map<string, Uint8Array>();
  /** What has been counted, by question; kept until a row changes. */
  readonly answers = new Answers();
  private orders: { place?: Int32Array; drive?: Int32Array } = {};

  private changed(): void {
    this.orders = {};
    this.masks.clear();
    this.answers.clear();
  }

  /** Rows in the order of their places or drives: sorted once, and anew after a change. */
  order(by: 'place' | 'drive'): Int32Array {
    const known = this.orders[by];
    if (known) return known;
    const column = this[by];
    const codes = (by === 'place' ? this.places : this.drives).texts.length;
    const starts = new Int32Array(codes + 1);
    for (let row = 0; row < this.size; row++) starts[column[row]! + 1]!++;
    for (let code = 0; code < codes; code++) starts[code + 1]! += starts[code]!;
    const order = new Int32Array(this.size);
    for (let row = 0; row < this.size; row++) order[starts[column[row]!]!++] = row;
    return (this.orders[by] = order);
  }

  private readonly axes = new Map<string, { labels: (string | null)[]; codes: Int32Array }>();

  /** What a place is in: labels, and the code of each place's. */
  placeAxis(name: 'country' | 'prefecture' | 'city'): { labels: (string | null)[]; codes: Int32Array } {
    let axis = this.axes.get(name);
    if (!axis) {
      const labels = new Dictionary();
      const codes = Int32Array.from(this.placeNames[name], (text) => labels.code(text ?? null));
      this.axes.set(name, (axis = { labels: labels.texts, codes }));
    }
    return axis;
  }

  private setLights(row: number, { lightColors, lightWidths }: ImageValues): void {
    const count = lightColors.length;
    // An update that does not fit where the old ones stood leaves a hole; `worn` tells when there are too many.
    let start = this.lightStart[row] as number;
    if (count > (this.lightCount[row] as number)) {
      start = this.lights;
      this.lights += count;
      while (this.lights > this.lightKind.length) {
        this.lightKind = grown(this.lightKind, this.lightKind.length * 2);
        this.lightWidth = grown(this.lightWidth, this.lightWidth.length * 2);
      }
    }
    this.lightStart[row] = start;
    this.lightCount[row] = count;
    for (let k = 0; k < count; k++) {
      const width = lightWidths[k] as number;
      this.lightWidth[start + k] = width;
      const size = SIZE_BOUNDS.findIndex((bound) => width < bound);
      this.lightKind[start + k] =
        (lightColors[k] as number) * LIGHT_SIZES.length + (size < 0 ? SIZE_BOUNDS.length : size);
    }
  }

  /** More holes than content: loading anew is cheaper than carrying them. */
  get worn(): boolean {
    let used = 0;
    for (let row = 0; row < this.size; row++) if (this.alive[row]) used += this.lightCount[row] as number;
    return this.lights > 100_000 && this.lights > 2 * used;
  }

  private grow(): void {
    this.capacity *= 2;
    this.alive = grown(this.alive, this.capacity);
    for (const name of ['weather', 'timeOfDay', 'scene', 'hour', 'month', 'hasLight'] as const)
      this[name] = grown(this[name], this.capacity);
    this.place = grown(this.place, this.capacity);
    this.drive = grown(this.drive, this.capacity);
    this.lightTotal = grown(this.lightTotal, this.capacity);
    this.objectTotal = grown(this.objectTotal, this.capacity);
    this.lightStart = grown(this.lightStart, this.capacity);
    this.lightCount = grown(this.lightCount, this.capacity);
    for (const name of NUMBERS) this.numbers[name] = grown(this.numbers[name], this.capacity);
  }
}
