/**
 * The lights of an evaluation as columns, read once and kept: an evaluation and the items of its version never change, so
 * any cross-tab of it is a pass over bytes. Of a light 16 bytes; the places' cities and countries are asked for anew.
 */
import type { DataSource } from 'typeorm';
import { LIGHT_SIZES } from '../catalog/coverage/columns/columns.js';
import { LearningTask } from '../catalog/vocabulary.js';
import { imageRows, lightRows, type ImageRow, type LightRow } from '../experiments/evaluate/outcomes.js';
import { scopeOf, type Scope } from '../experiments/evaluate/scope.js';
import { Turns } from '../platform/turns.js';
import { unpackMatches } from '../training/statistics/detection/index.js';

/** Of all evaluations together: 130 MB. What has more is read for each question. */
const MOST_LIGHTS = 8_000_000;
/** Lights of a chunk: whatever is kept of an evaluation is made of such. */
const CHUNK = 1 << 16;

/** Texts by code; code 0 is null. */
export class Codes {
  readonly texts: (string | null)[] = [null];
  private readonly known = new Map<string, number>();

  of(text: string | null): number {
    if (text === null) return 0;
    let code = this.known.get(text);
    if (code === undefined) this.known.set(text, (code = this.texts.push(text) - 1));
    return code;
  }
}

export const COLUMNS = [
  ...(['weather', 'timeOfDay', 'scene', 'place', 'hour', 'month'] as const),
  ...(['color', 'size', 'conditions'] as const),
];
export type Column = (typeof COLUMNS)[number];

export interface Chunk {
  size: number;
  codes: Record<Column, Uint8Array | Int32Array>;
  right: Uint8Array;
}

/** What the codes of every chunk mean. */
export interface Words {
  codes: Record<Column, Codes>;
  /** Of each code of `conditions`, the names; of none: null. */
  conditions: (string | null)[][];
  /** By place: the time zone that its hours and months are of. */
  zones: Map<string, string>;
}

export interface EvaluatedLights {
  words: Words;
  chunks: Iterable<Chunk> | AsyncIterable<Chunk>;
}

interface Kept {
  words: Words;
  chunks: Chunk[];
  lights: number;
}

interface Entry {
  kept: Promise<Kept | null>;
  /** 0 while it is read. */
  lights: number;
}

/** By evaluation; the one that was asked for last stands last. */
const ofDatabase = new WeakMap<DataSource, Map<string, Entry>>();
/** One is read at a time: of several together each could be as large as all may be. */
const turns = new Turns({ atATime: 1, waiting: 20 });

/** @param fresh read them again: a time zone has been corrected */
export async function evaluatedLights(db: DataSource, uuid: string, fresh = false): Promise<EvaluatedLights> {
  let known = ofDatabase.get(db);
  if (!known) ofDatabase.set(db, (known = new Map()));
  const before = fresh ? undefined : known.get(uuid);
  const entry: Entry = before ?? { kept: turns.run(() => read(db, uuid)), lights: 0 };
  known.delete(uuid);
  known.set(uuid, entry);
  try {
    const kept = await entry.kept;
    entry.lights = kept?.lights ?? 0;
    forget(known, uuid);
    if (kept) return kept;
  } catch (error) {
    if (known.get(uuid) === entry) known.delete(uuid);
    throw error;
  }
  const words = await newWords(db, uuid);
  return { words, chunks: chunksOf(db, uuid, words) };
}

/** Those that nobody has asked for the longest, until the rest has room. */
function forget(known: Map<string, Entry>, own: string): void {
  let total = 0;
  for (const [uuid, { lights }] of [...known].reverse()) {
    total += lights;
    if (total > MOST_LIGHTS && uuid !== own) known.delete(uuid);
  }
}

/** Null: more than can be kept. */
async function read(db: DataSource, uuid: string): Promise<Kept | null> {
  const words = await newWords(db, uuid);
  const chunks: Chunk[] = [];
  let lights = 0;
  for await (const chunk of chunksOf(db, uuid, words)) {
    chunks.push(chunk);
    if ((lights += chunk.size) > MOST_LIGHTS) return null;
  }
  return { words, chunks, lights };
}

async function newWords(db: DataSource, uuid: string): Promise<Words> {
  const { classes } = await scopeOf(db, uuid);
  const codes = Object.fromEntries(COLUMNS.map((column) => [column, new Codes()])) as Record<Column, Codes>;
  for (const name of classes) codes.color.of(name);
  for (const size of LIGHT_SIZES) codes.size.of(size);
  return { codes, conditions: [[null]], zones: new Map() };
}

interface ItemColumns {
  weather: string | null;
  time_of_day: string | null;
  scene: string | null;
  place_id: string | null;
  hour: string | null;
  month: string | null;
  zone: string | null;
}

const local = (part: string) => `to_char(i.recorded_at AT TIME ZONE l.time_zone, '${part}')`;
const ITEM = `, i.weather, i.time_of_day, i.scene, i.place_id::text, ${local('HH24')} AS hour, ${local('MM')} AS month,
  l.time_zone AS zone`;
const PLACE = 'LEFT JOIN place l ON l.id = i.place_id';

interface Light {
  item: ItemColumns & { conditions: number[] };
  label: number;
  width: number;
  right: boolean;
}

async function* lightsOf(db: DataSource, scope: Scope): AsyncGenerator<Light, void> {
  if (scope.task === LearningTask.LIGHT_STATE) {
    const columns = `${ITEM}, (i.annotations->e.light->>'width')::float8 AS native`;
    const more = { columns, joins: PLACE, values: [] };
    for await (const row of lightRows<LightRow & ItemColumns & { native: number }>(db, scope, more))
      yield { item: row, label: row.actual, width: row.native, right: row.actual === row.predicted };
    return;
  }
  const columns = `${ITEM},
    ARRAY(SELECT (i.annotations->light->>'width')::float8 FROM unnest(e.lights) WITH ORDINALITY o(light, at) ORDER BY at) AS widths`;
  const more = { columns, joins: PLACE, values: [] };
  for await (const row of imageRows<ImageRow & ItemColumns & { widths: number[] }>(
    db,
    scope,
    'sha256',
    more,
  )) {
    const { truths } = unpackMatches(row.matches, scope.protocol.iouThresholds.length);
    for (const at of row.lights.keys()) {
      const { label, foundAs } = truths[at]!;
      yield { item: row, label, width: row.widths[at]!, right: foundAs !== null };
    }
  }
}

/** LIGHT_SIZES: under 8, 16 and 32 pixels, and the rest. */
const sizeOf = (width: number) => [8, 16, 32].filter((bound) => width >= bound).length;

async function* chunksOf(db: DataSource, uuid: string, words: Words): AsyncGenerator<Chunk, void> {
  const scope = await scopeOf(db, uuid);
  const { codes, conditions, zones } = words;
  let chunk = newChunk();
  for await (const { item, label, width, right } of lightsOf(db, scope)) {
    if (chunk.size === CHUNK) {
      yield chunk;
      chunk = newChunk();
    }
    const at = chunk.size++;
    const { codes: columns } = chunk;
    columns.weather[at] = codes.weather.of(item.weather);
    columns.timeOfDay[at] = codes.timeOfDay.of(item.time_of_day);
    columns.scene[at] = codes.scene.of(item.scene);
    columns.place[at] = codes.place.of(item.place_id);
    columns.hour[at] = codes.hour.of(item.hour);
    columns.month[at] = codes.month.of(item.month);
    columns.color[at] = codes.color.of(scope.classes[label] ?? null);
    columns.size[at] = 1 + sizeOf(width);
    const set = item.conditions.length === 0 ? 0 : codes.conditions.of(item.conditions.join());
    conditions[set] ??= item.conditions.map((index) => scope.conditions[index]?.name ?? null);
    columns.conditions[at] = set;
    chunk.right[at] = right ? 1 : 0;
    if (item.place_id !== null && item.zone !== null) zones.set(item.place_id, item.zone);
  }
  if (chunk.size > 0) yield chunk;
}

function newChunk(): Chunk {
  const bytes = () => new Uint8Array(CHUNK);
  return {
    size: 0,
    codes: {
      ...{ weather: bytes(), timeOfDay: bytes(), scene: bytes(), place: new Int32Array(CHUNK) },
      ...{ hour: bytes(), month: bytes(), color: bytes(), size: bytes(), conditions: new Int32Array(CHUNK) },
    },
    right: bytes(),
  };
}
