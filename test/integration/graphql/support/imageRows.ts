/** A project of random images, as the database has them and as plain rows with what they can be filtered by. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import type { Project } from '../../../../src/catalog/project/project.js';
import {
  AnnotationSource,
  Category,
  LightColor,
  LightRole,
  Scene,
  TimeOfDay,
  WeatherName,
} from '../../../../src/catalog/vocabulary.js';
import { toGlobalId } from '../../../../src/graphql/node.js';
import type { Kind, Row, Shape, Value } from './filters.js';
import { newImages, newPlace, newProject, nameOf, type ImageRow } from './world.js';

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const member = <T>(values: Record<string, T>) => fc.constantFrom(...Object.values(values));
/** Few values, so that many images share one: ties are where paging goes wrong. */
const times = [
  '2024-01-01T00:00:00.000Z',
  '2024-06-15T03:30:00.000Z',
  '2024-06-15T03:30:00.001Z',
  '2025-02-28T23:59:59.999Z',
];

const box = fc.record({
  category: member(Category),
  x: fc.constantFrom(0, 0.5, 100),
  y: fc.constantFrom(0, 7.25),
  width: fc.constantFrom(1, 8.5, 30),
  height: fc.constantFrom(1, 16),
  color: maybe(member(LightColor)),
  role: maybe(member(LightRole)),
  occluded: maybe(fc.boolean()),
});
const image = fc.record({
  fileName: fc.constantFrom('a.jpg', 'b.jpg', 'été_100%.jpg', 'été_1.jpg', '信号.jpg', '🚦'),
  recordedAt: maybe(fc.constantFrom(...times)),
  position: maybe(fc.constantFrom([35.5, 139.75], [35.5, 0], [-90, -180])),
  weather: maybe(member(WeatherName)),
  timeOfDay: maybe(member(TimeOfDay)),
  scene: maybe(member(Scene)),
  drive: maybe(fc.constantFrom('drive-1', 'drive-2')),
  boxes: maybe(fc.array(box, { maxLength: 4 })),
  place: maybe(fc.nat(2)),
  facts: fc.record({
    width: fc.constantFrom(640, 1280),
    height: fc.constantFrom(480, 720),
    darkness: fc.constantFrom(0.1, 0.5, 0.75),
    brightness: fc.constantFrom(0.2, 0.9),
  }),
});

export interface RandomImages {
  project: Project;
  rows: Row[];
  shape: Shape;
}

export async function randomImages(db: DataSource, count: number, seed: number): Promise<RandomImages> {
  const project = await newProject(db);
  const places = [
    await newPlace(db, project, { prefecture: 'Tokyo', latitude: 35.5, longitude: 139.75 }),
    await newPlace(db, project, { prefecture: 'Osaka' }),
    await newPlace(db, project, { prefecture: 'Osaka', name: 'Junction' }),
  ];
  const drawn = fc.sample(image, { numRuns: count, seed });
  const rows: ImageRow[] = drawn.map(({ position, place, recordedAt, boxes, ...rest }, index) => ({
    ...rest,
    label: `${project.uuid}-${index}`,
    recordedAt: recordedAt === null ? null : new Date(recordedAt),
    latitude: position?.[0] ?? null,
    longitude: position?.[1] ?? null,
    place: place === null ? null : nameOf(places[place]!),
    boxes:
      boxes?.map((one) =>
        one.category === Category.TRAFFIC_LIGHT ? one : { ...one, color: null, role: null },
      ) ?? null,
  }));
  await newImages(db, project, rows);
  // A model's: beside a person's, where they count nowhere, and where no person has looked.
  await db.query("UPDATE annotation SET source = 'MODEL', score = 0.5 WHERE category IN ('CAR', 'BUS')");
  await db.query(
    `INSERT INTO annotation (id, image_id, category, x, y, width, height, source, score)
     SELECT gen_random_uuid(), i.id, c, 0.5, 7.25, 8.5, 16, 'MODEL', 0.75 FROM image i, unnest('{CAR,TRAFFIC_LIGHT}'::text[]) c
     WHERE i.project_id = $1 AND i.counts_source IS NULL AND i.width = 640`,
    [project.uuid],
  );
  // Labels that came before their picture; one of a name.
  await db.query(
    `UPDATE image SET sha256 = NULL, brightness = NULL, darkness_sensor = NULL, time_of_day_sensor = NULL, width = NULL,
       height = NULL WHERE id IN (SELECT DISTINCT ON (file_name) id FROM image WHERE project_id = $1 ORDER BY file_name, id)`,
    [project.uuid],
  );
  return { project, ...(await plain(db, project)) };
}

type Columns = Record<string, [sql: string, kind: Kind, type?: string]>;
const IMAGE: Columns = {
  id: ['id', 'id', 'Image'],
  sha256: ['sha256', 'text'],
  fileName: ['file_name', 'text'],
  recordedAt: ['recorded_at', 'time'],
  createdAt: ['created_at', 'time'],
  latitude: ['latitude', 'float'],
  longitude: ['longitude', 'float'],
  width: ['width', 'int'],
  height: ['height', 'int'],
  drive: ['drive', 'text'],
  weather: ['weather', 'enum'],
  timeOfDay: ['time_of_day', 'enum'],
  scene: ['scene', 'enum'],
  darkness: ['darkness', 'float'],
  brightness: ['brightness', 'float'],
  sunAltitude: ['sun_altitude', 'float'],
  people: ['people', 'int'],
  cars: ['cars', 'int'],
  bicycles: ['bicycles', 'int'],
  buses: ['buses', 'int'],
  trafficLights: ['traffic_lights', 'int'],
  countsSource: ['counts_source', 'enum'],
  placeId: ['place_id', 'id', 'Place'],
  weatherConflict: ['weather_conflict', 'int'],
  timeOfDayConflict: ['time_of_day_conflict', 'int'],
  conflict: ['conflict', 'int'],
};
const PLACE: Columns = {
  id: ['id', 'id', 'Place'],
  country: ['country', 'text'],
  prefecture: ['prefecture', 'text'],
  city: ['city', 'text'],
  name: ['name', 'text'],
  timeZone: ['time_zone', 'text'],
  latitude: ['latitude', 'float'],
  longitude: ['longitude', 'float'],
};
const ANNOTATION: Columns = {
  imageId: ['image_id', 'id', 'Image'],
  category: ['category', 'enum'],
  x: ['x', 'float'],
  y: ['y', 'float'],
  width: ['width', 'float'],
  height: ['height', 'float'],
  color: ['color', 'enum'],
  role: ['role', 'enum'],
  occluded: ['occluded', 'boolean'],
  source: ['source', 'enum'],
  score: ['score', 'float'],
};
const ENUMS: Record<string, object> = {
  weather: WeatherName,
  timeOfDay: TimeOfDay,
  scene: Scene,
  category: Category,
  color: LightColor,
  role: LightRole,
  source: AnnotationSource,
  countsSource: AnnotationSource,
};

type DatabaseRow = Record<string, unknown>;

async function plain(db: DataSource, project: Project): Promise<{ rows: Row[]; shape: Shape }> {
  const read = (sql: string): Promise<DatabaseRow[]> => db.query(sql, [project.uuid]);
  const images = await read(
    'SELECT *, greatest(weather_conflict, time_of_day_conflict) AS conflict FROM image WHERE project_id = $1 ORDER BY id',
  );
  const places = await read('SELECT * FROM place WHERE project_id = $1');
  const annotations = await read(
    'SELECT a.*, coalesce(a.occluded, false) AS occluded FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1',
  );
  const rows = images.map((row) => ({
    values: valuesOf(IMAGE, row),
    related: {
      place: places.filter((place) => place.id === row.place_id).map((place) => leaf(PLACE, place)),
      annotations: annotations
        .filter((one) => one.image_id === row.id && one.source === row.counts_source)
        .map((one) => leaf(ANNOTATION, one)),
    },
  }));
  const shape: Shape = {
    columns: columnsOf(IMAGE, images),
    relations: {
      place: { shape: { columns: columnsOf(PLACE, places), relations: {} }, many: false },
      annotations: { shape: { columns: columnsOf(ANNOTATION, annotations), relations: {} }, many: true },
    },
  };
  return { rows, shape };
}

const leaf = (columns: Columns, row: DatabaseRow): Row => ({ values: valuesOf(columns, row), related: {} });

function valueOf([sql, kind, type]: Columns[string], row: DatabaseRow): Value {
  const value = row[sql] as Value | Date;
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  return kind === 'id' ? toGlobalId(type as string, value as string) : value;
}

const valuesOf = (columns: Columns, row: DatabaseRow) =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, valueOf(column, row)]));

function columnsOf(columns: Columns, rows: DatabaseRow[]): Shape['columns'] {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const found = rows.map((row) => valueOf(column, row)).filter((value) => value !== null);
      const known = column[1] === 'enum' ? Object.values(ENUMS[name] as Record<string, string>) : found;
      return [name, { kind: column[1], samples: [...new Set(known)] }];
    }),
  );
}
