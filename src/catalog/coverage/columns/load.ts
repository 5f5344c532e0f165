/** Reads images into columns: a whole project chunk by chunk, or the images that the log names. */
import type { PoolClient } from 'pg';
import { code, floats, sent, texts } from './binary.js';
import { Boxes } from './boxes/boxes.js';
import { addBoxes } from './boxes/load.js';
import type { SnapshotClient } from './sync.js';
import { CODED, LIGHT_COLORS, NUMBERS, type Columns, type PlaceValues } from './columns.js';

/** Images per round trip: about 5 MB of arrays, 25 ms of work between two turns of the event loop. */
const CHUNK = 10_000;
/** Boxes per round trip, about: 10 MB as the driver receives them. */
const CHUNK_BOXES = 100_000;

const codes = (values: string[], column: string) => `${code(values, column)}::float8`;
/** Seconds with three decimals: the numeric product would cost more than all the rest. */
const seconds = (column: string) => `extract(epoch FROM ${column})::float8`;

const SQL: Record<(typeof NUMBERS)[number], string> = {
  latitude: 't.latitude',
  longitude: 't.longitude',
  width: 't.width::float8',
  height: 't.height::float8',
  darkness: 't.darkness',
  brightness: 't.brightness',
  sunAltitude: 't.sun_altitude',
  people: 't.people::float8',
  cars: 't.cars::float8',
  bicycles: 't.bicycles::float8',
  buses: 't.buses::float8',
  trafficLights: 't.traffic_lights::float8',
  recordedAt: seconds('t.recorded_at'),
  createdAt: seconds('t.created_at'),
  weatherConflict: 't.weather_conflict::float8',
  timeOfDayConflict: 't.time_of_day_conflict::float8',
};
/** Indices of NUMBERS that arrive in seconds. */
const TIMES = new Set([NUMBERS.indexOf('recordedAt'), NUMBERS.indexOf('createdAt')]);
const local = (part: string) => `extract(${part} FROM t.recorded_at AT TIME ZONE p.time_zone)::float8`;
const FLOATS = [
  't.nr::float8',
  codes(CODED.weather, 't.weather'),
  codes(CODED.timeOfDay, 't.time_of_day'),
  codes(CODED.scene, 't.scene'),
  local('hour'),
  local('month'),
  ...NUMBERS.map((name) => SQL[name]),
];
const COLUMNS = [...FLOATS, 't.place_id::text', 't.drive'].map(
  (sql, index) => `${sent(`array_agg(${sql})`)} AS c${index}`,
);
const LIGHTS = [
  't.nr::float8',
  // 0: nobody has said its colour.
  codes(LIGHT_COLORS, 'a.color'),
  'a.width',
].map((sql, index) => `${sent(`array_agg(${sql})`)} AS l${index}`);

type Row = Record<string, string | null>;

/**
 * Reads the images of project $1 that a condition on their id holds of, with their lights. Returns how many. The boxes
 * are restricted too: or each chunk would read the boxes of all.
 */
async function read(
  client: PoolClient,
  columns: Columns,
  of: (id: string) => string,
  values: unknown[],
): Promise<number> {
  const images = `SELECT * FROM image i WHERE i.project_id = $1 AND ${of('i.id')}`;
  const {
    rows: [row = {}],
  } = await client.query<Row>(
    `/* coverage.images */ SELECT ${COLUMNS.join(', ')} FROM (${images}) t LEFT JOIN place p ON p.id = t.place_id`,
    values,
  );
  const {
    rows: [lights = {}],
  } = await client.query<Row>(
    `/* coverage.lights */ SELECT ${LIGHTS.join(', ')} FROM (${images}) t
     JOIN annotation a ON a.image_id = t.id AND a.source = t.counts_source AND a.category = 'TRAFFIC_LIGHT'
       AND ${of('a.image_id')}`,
    values,
  );
  const numbers = FLOATS.map((_, index) => floats(row[`c${index}`] ?? null));
  const [nr, weather, timeOfDay, scene, hour, month, ...rest] = numbers as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    ...Float64Array[],
  ];
  const places = texts(row[`c${FLOATS.length}`] ?? null);
  const drives = texts(row[`c${FLOATS.length + 1}`] ?? null);
  const lightsOf = grouped(lights);
  const none = { lightColors: [], lightWidths: [] };
  nr.forEach((id, index) => {
    columns.set({
      nr: id,
      weather: weather[index] as number,
      timeOfDay: timeOfDay[index] as number,
      scene: scene[index] as number,
      hour: hour[index] as number,
      month: month[index] as number,
      place: places[index] as string | null,
      drive: drives[index] as string | null,
      numbers: rest.map((column, name) =>
        TIMES.has(name) ? Math.round((column[index] as number) * 1000) : (column[index] as number),
      ),
      ...(lightsOf.get(id) ?? none),
    });
  });
  return nr.length;
}

function grouped(row: Row): Map<number, { lightColors: number[]; lightWidths: number[] }> {
  const [nr, color, width] = [floats(row.l0 ?? null), floats(row.l1 ?? null), floats(row.l2 ?? null)];
  const found = new Map<number, { lightColors: number[]; lightWidths: number[] }>();
  nr.forEach((id, index) => {
    let lights = found.get(id);
    if (!lights) found.set(id, (lights = { lightColors: [], lightWidths: [] }));
    lights.lightColors.push(color[index] as number);
    lights.lightWidths.push(width[index] as number);
  });
  return found;
}

export async function loadPlaces(client: PoolClient, columns: Columns, projectUuid: string): Promise<void> {
  const { rows } = await client.query<PlaceValues>(
    '/* coverage.places */ SELECT id, country, prefecture, city FROM place WHERE project_id = $1',
    [projectUuid],
  );
  columns.setPlaces(rows);
}

/** A condition on the id of an image, and its parameters, $1 being the project. */
interface Chunk {
  of: (id: string) => string;
  values: unknown[];
}

/** All images of the project in chunks of `size`, in the order of their ids. */
async function* chunks(
  client: SnapshotClient,
  projectUuid: string,
  size = CHUNK,
): AsyncGenerator<Chunk, void> {
  for (let after: string | null = '00000000-0000-0000-0000-000000000000'; after !== null;) {
    const found: { rows: { last: string | null }[] } = await client.query(
      `/* coverage.chunk */ SELECT (SELECT id FROM image WHERE project_id = $1 AND id > $2 ORDER BY id OFFSET $3::int LIMIT 1) AS last`,
      [projectUuid, after, size - 1],
    );
    const last: string | null = found.rows[0]?.last ?? null;
    yield {
      of: (id) => `${id} > $2 AND ${id} <= $3`,
      values: [projectUuid, after, last ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    };
    after = last;
  }
}

/** Every image of the project, without the boxes that are no lights. */
export async function loadProject(client: PoolClient, columns: Columns, projectUuid: string): Promise<void> {
  await loadPlaces(client, columns, projectUuid);
  for await (const { of, values } of chunks(client, projectUuid)) await read(client, columns, of, values);
}

/** Every box of the project that counts, of images that are in the columns; `count` of them. */
export async function loadBoxes(
  client: SnapshotClient,
  columns: Columns,
  projectUuid: string,
  { count, limit }: { count: number; limit: number },
): Promise<Boxes> {
  const boxes = new Boxes(columns.size, count, limit);
  const size = Math.min(CHUNK, Math.ceil((CHUNK_BOXES * columns.images) / Math.max(1, count)));
  for await (const { of, values } of chunks(client, projectUuid, size))
    await addBoxes(client, columns, boxes, of, values);
  return boxes;
}

/** The images with these ids as they are now; those that are gone, or of another project now, are removed. */
export async function loadImages(
  client: PoolClient,
  columns: Columns,
  projectUuid: string,
  touched: { id: string; nr: number }[],
): Promise<void> {
  for (let start = 0; start < touched.length; start += CHUNK) {
    const chunk = touched.slice(start, start + CHUNK);
    for (const { nr } of chunk) columns.remove(nr);
    const of = (id: string) => `${id} = ANY($2)`;
    const values = [projectUuid, chunk.map(({ id }) => id)];
    await read(client, columns, of, values);
    if (columns.boxes) await addBoxes(client, columns, columns.boxes, of, values);
    if (columns.boxes?.fit() === false) columns.boxes = null;
  }
}
