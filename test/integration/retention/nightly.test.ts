/** What the service starts by itself: once a day, whoever looks, and only where there is something to do. */
import { enqueueNightly } from '../../../src/retention/nightly.js';
import { setRetention } from '../../../src/retention/retention.js';
import { createWorld, insertProject, type World } from '../../faults/world.js';
import { insertDeleted } from '../../support/experiments.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

const jobs = () =>
  world.db.query(
    "SELECT project_id AS project, kind, priority FROM job WHERE kind IN ('PURGE', 'ORPHANS') ORDER BY kind, project_id",
  );

it('purges each project that has something to purge, and looks for orphans once, however many look', async () => {
  const { db } = world;
  const [due, young, keeps, nothing] = await Promise.all(Array.from({ length: 4 }, () => insertProject(db)));
  await insertDeleted(db, due!, 10, { days: 31 });
  await insertDeleted(db, young!, 10, { days: 29 });
  await setRetention(db, keeps!, { deletedDays: 30, failedDays: null, checkpointDays: 7 });
  expect(nothing).toBeDefined();
  const services = { ...world.services, config: { ...world.config, nightly: true } };
  await Promise.all([enqueueNightly(services), enqueueNightly(services)]);
  const purges = [due!, keeps!].sort().map((project) => ({ project, kind: 'PURGE', priority: -100 }));
  // No project is a day old: no blob is.
  expect(await jobs()).toEqual(purges);
  await db.query("UPDATE project SET created_at = now() - interval '2 days' WHERE id = $1", [young]);
  await Promise.all([enqueueNightly(services), enqueueNightly(services)]);
  await enqueueNightly(services);
  expect(await jobs()).toEqual([{ project: young, kind: 'ORPHANS', priority: -100 }, ...purges]);
});
