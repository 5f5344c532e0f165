/** The collection as a job: by itself once a day, whatever the number of processes, and on request. */
import { randomUUID } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { toGlobalId } from '../../../src/graphql/node.js';
import { enqueueNightly, startNightly } from '../../../src/retention/nightly.js';
import { insertProject, until } from '../../faults/world.js';
import { startTestService, type TestService } from '../../support/service.js';
import { store } from './support.js';

let service: TestService;
let project: string;
beforeAll(async () => {
  service = await startTestService({ worker: true, env: { SHINGO_ORPHAN_GRACE_HOURS: '3' } });
  project = await insertProject(service.db);
});
afterAll(() => service.stop());

async function oldBlob(hours: number): Promise<string> {
  const sha256 = await store(service.services.blobs);
  const then = new Date(Date.now() - hours * 3_600_000);
  await utimes(service.services.blobs.path(sha256), then, then);
  return sha256;
}

const jobs = (): Promise<{ id: string; project_id: string; idempotency_key: string; priority: number }[]> =>
  service.db.query(
    "SELECT id, project_id, idempotency_key, priority FROM job WHERE kind = 'ORPHANS' ORDER BY id",
  );

const reportOf = (uuid: string) =>
  until(async () => {
    const { job } = await service.ok(
      `query ($id: ID!) { job(id: $id) { kind state
         report { ... on OrphansReport { looked young removed bytes dryRun } } } }`,
      { id: toGlobalId('Job', uuid) },
    );
    return job.state === 'SUCCEEDED' && job.report;
  });

test('a database whose projects are younger than a day has nothing to be cleared away', async () => {
  await enqueueNightly(service.services);
  expect(await jobs()).toEqual([]);
});

test('eight processes that look at a time start one job a day, of the oldest project, and it clears away', async () => {
  await service.db.query("UPDATE project SET created_at = now() - interval '2 days'");
  const younger = await insertProject(service.db);
  await service.db.query("UPDATE project SET created_at = now() - interval '25 hours' WHERE id = $1", [
    younger,
  ]);
  const [orphan, young] = [await oldBlob(4), await oldBlob(2)];
  await Promise.all(Array.from({ length: 8 }, () => enqueueNightly(service.services)));
  await enqueueNightly(service.services);
  const [job, ...more] = await jobs();
  expect(more).toEqual([]);
  expect(job).toMatchObject({ project_id: project, priority: -100 });
  expect(job!.idempotency_key).toMatch(/^orphans \d{4}-\d\d-\d\d$/);
  const report = { looked: 2, young: 1, removed: 1, bytes: 20, dryRun: false };
  expect(await reportOf(job!.id)).toEqual(report);
  const { blobs } = service.services;
  expect([await blobs.has(orphan), await blobs.has(young)]).toEqual([false, true]);
});

test('SHINGO_NIGHTLY=off starts none, on the next day either; on does', async () => {
  await service.db.query("UPDATE job SET idempotency_key = 'orphans of yesterday' WHERE kind = 'ORPHANS'");
  const { services } = service;
  // Stopping waits for the look that is under way.
  await startNightly({ ...services, config: { ...services.config, nightly: false } })();
  expect(await jobs()).toHaveLength(1);
  await startNightly(services)();
  const [, second, ...more] = await jobs();
  expect(more).toEqual([]);
  expect(await reportOf(second!.id)).toMatchObject({ removed: 0 });
});

test('asked for over the API it counts, or clears away what it has counted', async () => {
  const orphan = await oldBlob(30);
  const start = async (dryRun: boolean) => {
    const { startOrphanCollection } = await service.ok(
      `mutation ($input: StartOrphanCollectionInput!) {
         startOrphanCollection(input: $input) { job { id } userErrors { code message } } }`,
      { input: { projectId: toGlobalId('Project', project), dryRun, idempotencyKey: randomUUID() } },
    );
    const rows: { id: string }[] = await jobs();
    return reportOf(rows.find(({ id }) => toGlobalId('Job', id) === startOrphanCollection.job.id)!.id);
  };
  const counted = await start(true);
  expect(counted).toMatchObject({ removed: 1, bytes: 20, dryRun: true });
  expect(await service.services.blobs.has(orphan)).toBe(true);
  expect(await start(false)).toEqual({ ...counted, dryRun: false });
  expect(await service.services.blobs.has(orphan)).toBe(false);
});
