/** Every event is of an experiment: what a foreign key promises, kept by triggers that look once a statement. */
import { randomUUID } from 'node:crypto';
import type { EntityManager, QueryRunner } from 'typeorm';
import { createWorld, type World } from '../../faults/world.js';

let world: World;
let runners: QueryRunner[];
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());
beforeEach(() => (runners = []));
afterEach(async () => {
  for (const runner of runners) {
    if (runner.isTransactionActive) await runner.rollbackTransaction();
    await runner.release();
  }
});

async function begin(): Promise<QueryRunner> {
  const runner = world.db.createQueryRunner();
  runners.push(runner);
  await runner.startTransaction();
  return runner;
}

/** Nothing refers to it but its events. */
async function experiment(): Promise<string> {
  const { experimentUuid } = await world.train();
  const [{ id }]: [{ id: string }] = await world.db.query(
    `INSERT INTO experiment (id, project_id, model_id, name, algorithm, source)
     SELECT gen_random_uuid(), project_id, model_id, gen_random_uuid()::text, 'yolo', 'LOGGED' FROM experiment
     WHERE id = $1 RETURNING id`,
    [experimentUuid],
  );
  return id;
}

type Queryable = Pick<EntityManager, 'query'>;

const insert = (of: Queryable, ...experiments: string[]) =>
  of.query(
    `INSERT INTO experiment_event (experiment_id, seq, kind, message)
     SELECT id, n, 'LOG', 'a line' FROM unnest($1::uuid[]) WITH ORDINALITY AS e(id, n)`,
    [experiments],
  );
const remove = (of: Queryable, uuid: string) => of.query('DELETE FROM experiment WHERE id = $1', [uuid]);
const count = async (uuid: string): Promise<number> => {
  const [row] = await world.db.query(
    'SELECT count(*)::int AS count FROM experiment_event WHERE experiment_id = $1',
    [uuid],
  );
  return row.count;
};

/** Resolves when a connection waits for a lock that another one holds. */
async function somebodyWaits(): Promise<void> {
  for (;;) {
    const waiting: unknown[] = await world.db.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (waiting.length > 0) return;
  }
}

it('refuses a statement of which one event is of no experiment, and keeps nothing of it', async () => {
  const uuid = await experiment();
  await expect(insert(world.db.manager, uuid, randomUUID(), uuid)).rejects.toMatchObject({ code: '23503' });
  expect(await count(uuid)).toBe(0);
});

it('refuses that an event is moved to no experiment', async () => {
  const uuid = await experiment();
  await insert(world.db.manager, uuid);
  const moved = world.db.query('UPDATE experiment_event SET experiment_id = $2 WHERE experiment_id = $1', [
    uuid,
    randomUUID(),
  ]);
  await expect(moved).rejects.toMatchObject({ code: '23503' });
  expect(await count(uuid)).toBe(1);
});

it('takes the events of an experiment with it, and no others', async () => {
  const [one, other] = [await experiment(), await experiment()];
  await insert(world.db.manager, one, other, one);
  await remove(world.db.manager, one);
  expect([await count(one), await count(other)]).toEqual([0, 1]);
});

it('takes them also when the whole project goes', async () => {
  const uuid = await experiment();
  await insert(world.db.manager, uuid);
  const project = randomUUID();
  await world.db.query('INSERT INTO project (id, name) VALUES ($1::uuid, $1::text)', [project]);
  await world.db.query('UPDATE experiment SET project_id = $2 WHERE id = $1', [uuid, project]);
  await world.db.query('DELETE FROM project WHERE id = $1', [project]);
  expect(await count(uuid)).toBe(0);
});

it('lets a deletion wait for an insert that is under way, and then takes that event too', async () => {
  const uuid = await experiment();
  const [writer, deleter] = [await begin(), await begin()];
  await insert(writer.manager, uuid);
  const removed = remove(deleter.manager, uuid);
  await somebodyWaits();
  await writer.commitTransaction();
  await removed;
  await deleter.commitTransaction();
  expect(await count(uuid)).toBe(0);
});

it('lets an insert wait for a deletion that is under way, and then refuses it', async () => {
  const uuid = await experiment();
  const [writer, deleter] = [await begin(), await begin()];
  await remove(deleter.manager, uuid);
  const inserted = expect(insert(writer.manager, uuid)).rejects.toMatchObject({ code: '23503' });
  await somebodyWaits();
  await deleter.commitTransaction();
  await inserted;
});

it('lets an insert through when the deletion before it is taken back', async () => {
  const uuid = await experiment();
  const [writer, deleter] = [await begin(), await begin()];
  await remove(deleter.manager, uuid);
  const inserted = insert(writer.manager, uuid);
  await somebodyWaits();
  await deleter.rollbackTransaction();
  await inserted;
  await writer.commitTransaction();
  expect(await count(uuid)).toBe(1);
});
