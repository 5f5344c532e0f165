/** Parquet, two tables: images and their annotations, joined by image_id. Read by pandas, Polars and DuckDB as they are. */
import { join } from 'node:path';
import { ParquetWriter, fileWriter, schemaFromColumnData, type BasicType } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import type { FrameBox } from '../frame.js';
import { PLACE } from './losses.js';
import { safePath, type FormatWriter, type VersionFrame } from './writer.js';

export interface Column<Row> {
  name: string;
  type: BasicType | 'LIST';
  nullable: boolean;
  description: string;
  value(row: Row): unknown;
}

/** Rows held before they go to the file: 20 columns × 20,000 values are a few megabytes. */
const ROW_GROUP = 20_000;

class Table<Row> {
  private readonly writer: ParquetWriter;
  private rows: unknown[][];
  private count = 0;

  constructor(
    path: string,
    private readonly columns: readonly Column<Row>[],
  ) {
    this.rows = columns.map(() => []);
    this.writer = new ParquetWriter({
      writer: fileWriter(path),
      schema: schemaOf(columns),
      createdBy: 'shingo',
    });
  }

  async add(row: Row): Promise<void> {
    for (const [index, column] of this.columns.entries()) this.rows[index]?.push(column.value(row) ?? null);
    if (++this.count === ROW_GROUP) await this.flush();
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.writer.finish();
  }

  private async flush(): Promise<void> {
    const columnData = this.columns.map(({ name }, index) => ({ name, data: this.rows[index] as unknown[] }));
    await this.writer.write({ columnData, rowGroupSize: ROW_GROUP });
    this.rows = this.columns.map(() => []);
    this.count = 0;
  }
}

function schemaOf<Row>(columns: readonly Column<Row>[]): SchemaElement[] {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.flatMap(({ name, type, nullable }): SchemaElement[] => {
      if (type !== 'LIST') {
        return schemaFromColumnData({ columnData: [{ name, data: [], type, nullable }] }).slice(1);
      }
      return [
        { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      ];
    }),
  ];
}

type Of<Row> = (row: Row) => unknown;
const column = <Row>(
  name: string,
  type: Column<Row>['type'],
  nullable: boolean,
  description: string,
  value: Of<Row>,
): Column<Row> => ({ name, type, nullable, description, value });

export const imageColumns = (conditions: readonly string[]): Column<VersionFrame>[] => [
  column('image_id', 'STRING', false, 'Id of the image in the catalog', (f) => f.id),
  column('file_name', 'STRING', false, 'As it was registered', (f) => f.fileName),
  column('split', 'STRING', false, 'TRAIN, VALIDATION or TEST', (f) => f.split),
  column('width', 'INT32', true, 'Pixels', (f) => f.width),
  column('height', 'INT32', true, 'Pixels', (f) => f.height),
  column('sha256', 'STRING', true, "SHA-256 of the picture's bytes", (f) => f.sha256),
  column('recorded_at', 'TIMESTAMP', true, 'When it was recorded, UTC', (f) => f.recordedAt),
  column('latitude', 'DOUBLE', true, 'Degrees', (f) => f.latitude),
  column('longitude', 'DOUBLE', true, 'Degrees', (f) => f.longitude),
  column('drive', 'STRING', true, 'Drive or sequence', (f) => f.drive),
  column(
    'weather',
    'STRING',
    true,
    'Resolved; UNDEFINED: nobody could say, null: nobody looked',
    (f) => f.weather,
  ),
  column('time_of_day', 'STRING', true, 'Resolved', (f) => f.timeOfDay),
  column('scene', 'STRING', true, 'Resolved', (f) => f.scene),
  column('labelled', 'BOOLEAN', false, 'False: nobody has looked for objects', (f) => f.boxes !== null),
  ...conditions.map((name) =>
    column<VersionFrame>(`condition_${name}`, 'BOOLEAN', false, `In the condition ${name}`, (f) =>
      f.conditions.includes(name),
    ),
  ),
];

interface BoxRow {
  image: string;
  position: number;
  box: FrameBox;
}

export const annotationColumns: Column<BoxRow>[] = [
  column('image_id', 'STRING', false, 'The image that it is on', (r) => r.image),
  column('position', 'INT32', false, 'Place among the boxes of its image, from 0', (r) => r.position),
  column('category', 'STRING', false, 'PERSON, CAR, TRAFFIC_LIGHT, …', (r) => r.box.category),
  column('x', 'DOUBLE', false, 'Left edge, pixels', (r) => r.box.x),
  column('y', 'DOUBLE', false, 'Top edge, pixels', (r) => r.box.y),
  column('width', 'DOUBLE', false, 'Pixels, continuous: x + width is the right edge', (r) => r.box.width),
  column('height', 'DOUBLE', false, 'Pixels, continuous', (r) => r.box.height),
  column('color', 'STRING', true, 'Of a light', (r) => r.box.color),
  column('arrows', 'LIST', false, 'Of a light', (r) => r.box.arrows ?? []),
  column('role', 'STRING', true, 'Of a light', (r) => r.box.role),
  column('occluded', 'BOOLEAN', true, 'Null: nobody said', (r) => r.box.occluded),
  column('truncated', 'BOOLEAN', true, 'Null: nobody said', (r) => r.box.truncated),
  column('score', 'DOUBLE', true, "A detector's, 0 to 1; null: a person's", (r) => r.box.score),
  column('ignore', 'BOOLEAN', false, 'A region in which nothing counts', (r) => r.box.ignore ?? false),
  column('label', 'STRING', true, 'The class as its file spelled it', (r) => r.box.label),
];

export const IMAGES = 'images.parquet';
export const ANNOTATIONS = 'annotations.parquet';

export const parquet: FormatWriter = {
  losses: [PLACE],
  keepsNames: true,
  open(folder, about) {
    const images = new Table(join(folder, IMAGES), imageColumns(about.conditions));
    const annotations = new Table(join(folder, ANNOTATIONS), annotationColumns);
    return Promise.resolve({
      async add(frame, called = frame.fileName) {
        await images.add(frame);
        for (const [position, box] of (frame.boxes ?? []).entries()) {
          await annotations.add({ image: frame.id, position, box });
        }
        return `images/${safePath(called)}`;
      },
      async finish() {
        await images.finish();
        await annotations.finish();
        return [IMAGES, ANNOTATIONS];
      },
      close: () => Promise.resolve(),
    });
  },
};
