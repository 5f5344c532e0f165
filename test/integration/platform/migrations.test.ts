/** Migrations: up, back to nothing and up again is where it was; two processes that start together migrate once. */
import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { migrations } from '../../../migrations/index.js';
import { STANDARD_PROTOCOLS } from '../../../src/experiments/protocol/standard.js';
import { parseConfig } from '../../../src/platform/config.js';
import { migrate, migrateDown } from '../../../src/platform/database/dataSource.js';
import { connectDatabase } from '../../../src/service.js';
import { admin, serverUrl } from '../../support/database.js';

let name: string;
const opened: DataSource[] = [];

/** An empty database: the template of the other tests has everything already. */
beforeEach(async () => {
  name = `test_${randomBytes(6).toString('hex')}`;
  await admin(`CREATE DATABASE ${name} TEMPLATE template0`);
});
afterEach(async () => {
  for (const db of opened.splice(0)) await db.destroy();
  await admin(`DROP DATABASE ${name} WITH (FORCE)`);
});

async function open(): Promise<DataSource> {
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  const db = await connectDatabase(parseConfig({}), url.href, 'migrations');
  opened.push(db);
  return db;
}

const PARTS = {
  columns: `SELECT table_name, column_name, data_type, udt_name, datetime_precision, is_nullable, column_default, generation_expression
    FROM information_schema.columns WHERE table_schema = 'public'`,
  constraints: `SELECT conrelid::regclass::text AS "table", conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace`,
  indexes: `SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'`,
  triggers: `SELECT tgrelid::regclass::text AS "table", tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE NOT tgisinternal`,
  functions: `SELECT proname, pg_get_functiondef(p.oid) AS definition FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
    AND prokind = 'f' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`,
  others: `SELECT relkind, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('i')
    UNION ALL SELECT typtype, typname FROM pg_type t WHERE typnamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid IN (t.oid, t.typelem) AND d.deptype = 'e')`,
};

/** Everything in the schema, the table of migrations aside, as texts in an order of their own. */
async function dump(db: DataSource): Promise<Record<keyof typeof PARTS, string[]>> {
  const texts = async (sql: string) => {
    const rows: object[] = await db.query(sql);
    const lines = rows
      .map((row) => JSON.stringify(row))
      .filter((line) => !/"_?migration(_id_seq)?"|"PK_/.test(line));
    return lines.sort();
  };
  const parts = Object.entries(PARTS).map(async ([part, sql]) => [part, await texts(sql)] as const);
  return Object.fromEntries(await Promise.all(parts)) as never;
}

test('up, down to nothing and up again is the same schema', async () => {
  const db = await open();
  expect(await migrate(db)).toHaveLength(migrations.length);
  const first = await dump(db);
  expect(first.columns.length).toBeGreaterThan(100);
  expect(first.triggers.length).toBeGreaterThan(2);
  for (const _ of migrations) await migrateDown(db);
  expect(await dump(db)).toEqual({
    columns: [],
    constraints: [],
    indexes: [],
    triggers: [],
    functions: [],
    others: [],
  });
  expect(await migrate(db)).toHaveLength(migrations.length);
  expect(await dump(db)).toEqual(first);
  expect(await migrate(db)).toEqual([]);
});

test('each migration alone goes down and up again', async () => {
  const db = await open();
  await migrate(db);
  const whole = await dump(db);
  await migrateDown(db);
  expect(await dump(db)).not.toEqual(whole);
  expect(await migrate(db)).toHaveLength(1);
  expect(await dump(db)).toEqual(whole);
});

test('going down with rows in every table takes them along', async () => {
  const db = await open();
  await migrate(db);
  await db.query("INSERT INTO project (id, name) VALUES (gen_random_uuid(), 'p')");
  await db.query("INSERT INTO dataset (id, project_id, name) SELECT gen_random_uuid(), id, 'd' FROM project");
  for (const _ of migrations) await migrateDown(db);
  expect((await dump(db)).columns).toEqual([]);
});

test('of four processes that migrate at a time one does it, and none fails', async () => {
  const all = await Promise.all([open(), open(), open(), open()]);
  const ran = await Promise.all(all.map((db) => migrate(db)));
  expect(ran.flat().sort()).toEqual(migrations.map((migration) => migration.name).sort());
  expect(ran.filter((names) => names.length > 0)).toHaveLength(1);
});

test('the columns that entities declare are there, with their nullability', async () => {
  const db = await open();
  await migrate(db);
  const columns: { t: string; c: string; nullable: boolean }[] = await db.query(
    `SELECT table_name AS t, column_name AS c, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_schema = 'public'`,
  );
  const known = new Map(columns.map(({ t, c, nullable }) => [`${t}.${c}`, nullable]));
  let seen = 0;
  for (const entity of db.entityMetadatas) {
    for (const column of entity.columns) {
      const path = `${entity.tableName}.${column.databaseName}`;
      expect([path, known.get(path)]).toEqual([path, column.isNullable]);
      seen++;
    }
  }
  expect(seen).toBeGreaterThan(80);
});

test('projects and evaluations of before have the standard protocols, and lights their widths', async () => {
  const db = await open();
  await migrate(db);
  const later = migrations.slice(migrations.findIndex(({ name }) => name.startsWith('Evaluations')));
  for (const _ of later) await migrateDown(db);
  const sha256 = 'a'.repeat(64);
  for (const statement of [
    "INSERT INTO project (id, name) VALUES (gen_random_uuid(), 'old')",
    "INSERT INTO dataset (id, project_id, name) SELECT gen_random_uuid(), id, 'd' FROM project",
    `INSERT INTO dataset_version (id, dataset_id, version, data_id, seed, train, validation, test, image_count, light_count,
       condition_names, condition_ids, condition_versions) SELECT gen_random_uuid(), id, 1, 'x', 1, 1, 0, 0, 1, 1, '{}', '{}', '{}' FROM dataset`,
    `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness) VALUES ('${sha256}', 'image/png', 1, 8, 8, 0, 0)`,
    `INSERT INTO dataset_item (version_id, sha256, image_id, split, conditions, annotations, lights)
       SELECT id, '${sha256}', gen_random_uuid(), 'TEST', '{}', '[{"width": 3}, {"width": 7.5}]', 2 FROM dataset_version`,
    "INSERT INTO model (id, project_id, name) SELECT gen_random_uuid(), id, 'm' FROM project",
    `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm)
       SELECT gen_random_uuid(), p.id, m.id, v.id, 'e', 'mobilenetv2' FROM project p, model m, dataset_version v`,
    `INSERT INTO evaluation (id, experiment_id, dataset_version_id, split, weights, classes)
       SELECT gen_random_uuid(), e.id, e.dataset_version_id, 'TEST', 'BEST', '{GREEN,RED}' FROM experiment e`,
    `INSERT INTO evaluation_prediction (evaluation_id, sha256, light, conditions, actual, predicted, score)
       SELECT id, '${sha256}', 1, '{}', 0, 0, 1 FROM evaluation`,
  ])
    await db.query(statement);
  expect(await migrate(db)).toHaveLength(later.length);
  const [row] = await db.query(
    `SELECT e.source, e.task, p.name, p.version, m.name AS model, (SELECT width FROM evaluation_prediction) AS width,
       (SELECT array_agg(name ORDER BY name) FROM evaluation_protocol) AS protocols
     FROM evaluation e JOIN evaluation_protocol p ON p.id = e.protocol_id JOIN model m ON m.id = e.model_id`,
  );
  expect(row).toEqual({
    ...{ source: 'JOB', task: 'LIGHT_STATE', name: 'light-state', version: 1, model: 'm', width: 7.5 },
    protocols: ['light-detection', 'light-state'],
  });
  const columns = STANDARD_PROTOCOLS.map(({ name, iouThresholds, scoreThreshold }) => ({
    name,
    iouThresholds,
    scoreThreshold,
  }));
  const stored = await db.query(
    `SELECT name, iou_thresholds AS "iouThresholds", score_threshold AS "scoreThreshold" FROM evaluation_protocol ORDER BY name DESC`,
  );
  expect(stored).toEqual(columns);
  for (const _ of later) await migrateDown(db);
  const [{ n }] = await db.query('SELECT count(*)::int AS n FROM evaluation');
  expect(n).toBe(1);
});
