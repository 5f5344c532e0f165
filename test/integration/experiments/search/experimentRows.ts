/** Experiments as rows, with parameters of every type, metrics with NaN and infinities, and tags; and as plain objects. */
import type { DataSource } from 'typeorm';
import { generator } from '../../../../src/training/random.js';
import { newId } from '../../../../src/platform/ids.js';
import { insertModel, insertProject, insertVersion, LIGHTS } from '../../../faults/world.js';

export interface SeriesKey {
  name: string;
  split: string | null;
  condition: string | null;
  class: string | null;
}

export interface Summary {
  series: number;
  last: number;
  min: number | null;
  max: number | null;
  points: number;
  lastStep: number;
}

type Value = number | string | boolean | number[] | string[] | null;

export interface ExperimentRow {
  uuid: string;
  state: string;
  parameters: Record<string, Value>;
  tags: string[];
  metrics: Summary[];
}

export const SERIES: SeriesKey[] = [
  { name: 'accuracy', split: 'VALIDATION', condition: null, class: null },
  { name: 'accuracy', split: 'VALIDATION', condition: 'night', class: null },
  { name: 'accuracy', split: 'VALIDATION', condition: 'night', class: 'RED' },
  { name: 'loss', split: 'TRAIN', condition: null, class: null },
  { name: 'loss', split: 'VALIDATION', condition: null, class: null },
  { name: 'latency', split: null, condition: null, class: null },
];

export interface ExperimentWorld {
  project: string;
  model: string;
  version: string;
  series: number[];
  rows: ExperimentRow[];
}

export async function insertSeries(db: DataSource, project: string): Promise<number[]> {
  const made: number[] = [];
  for (const { name, split, condition, class: kind } of SERIES) {
    const [row] = await db.query(
      'INSERT INTO metric_series (project_id, name, split, condition, class) VALUES ($1, $2, $3, $4, $5) RETURNING id',
      [project, name, split, condition, kind],
    );
    made.push(row.id);
  }
  return made;
}

/** Few different values, so that there are ties; a third of the experiments lack each metric and parameter. */
export async function randomExperiments(
  db: DataSource,
  count: number,
  seed: number,
): Promise<ExperimentWorld> {
  const random = generator(seed);
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const project = await insertProject(db);
  const model = await insertModel(db, project);
  const version = await db.transaction((manager) => insertVersion(manager, project, LIGHTS));
  const series = await insertSeries(db, project);
  const rows = Array.from({ length: count }, (): ExperimentRow => {
    const parameters: Record<string, Value> = {};
    if (random() < 0.7) parameters.learning_rate = one([0.1, 0.01, 0.001, 9, 10, -1]);
    if (random() < 0.7) parameters.optimizer = one(['Adam', 'SGD', 'adam', '10', '9']);
    if (random() < 0.7) parameters.mixed = one([9, 10, '9', '10', true, false, null, [1, 2], ['a']]);
    if (random() < 0.5) parameters.layers = one([[64, 128], [128], [], ['64', 'conv']]);
    const metrics = series.flatMap((_, place): Summary[] => {
      if (random() < 0.35) return [];
      const [min, max] = one<[number | null, number | null]>([
        [0.1, 0.5],
        [0.2, 0.9],
        [0.2, 0.9],
        [-Infinity, 0.3],
        [0.4, Infinity],
        [null, null],
      ]);
      const last = min === null ? NaN : one([NaN, min, max as number]);
      return [{ series: place, last, min, max, points: one([1, 5, 300]), lastStep: one([0, 3, 9]) }];
    });
    const tags = ['baseline', 'night', 'keep'].filter(() => random() < 0.4);
    return { uuid: newId(), state: one(['SUCCEEDED', 'FAILED', 'RUNNING']), parameters, tags, metrics };
  });
  for (const [number, row] of rows.entries())
    await insertRow(db, { project, model, version, series }, row, number);
  return { project, model, version, series, rows };
}

export async function insertRow(
  db: DataSource,
  world: Omit<ExperimentWorld, 'rows'>,
  row: ExperimentRow,
  number: number,
): Promise<void> {
  await db.query(
    `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm, state)
     VALUES ($1, $2, $3, $4, $5, 'mobilenetv2', $6)`,
    [row.uuid, world.project, world.model, world.version, `experiment ${number}`, row.state],
  );
  for (const [name, value] of Object.entries(row.parameters)) {
    const list = Array.isArray(value) ? value : null;
    const of = (type: string) => (typeof value === type ? value : null);
    const listOf = (type: string) => (list && typeof (list[0] ?? 0) === type ? list : null);
    await db.query(
      `INSERT INTO experiment_parameter (experiment_id, name, number, text, boolean, numbers, texts)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [row.uuid, name, of('number'), of('string'), of('boolean'), listOf('number'), listOf('string')],
    );
  }
  for (const { series, last, min, max, points, lastStep } of row.metrics)
    await db.query(
      `INSERT INTO experiment_metric (experiment_id, series_id, points, first_seq, last_seq, last_step, last_value,
         last_time, min_value, min_step, max_value, max_step)
       VALUES ($1, $2, $3, 1, $3, $4, $5, now(), $6, 0, $7, 0)`,
      [row.uuid, world.series[series], points, lastStep, last, min, max],
    );
  await db.query('INSERT INTO experiment_tag (experiment_id, tag) SELECT $1, * FROM unnest($2::text[])', [
    row.uuid,
    row.tags,
  ]);
}
