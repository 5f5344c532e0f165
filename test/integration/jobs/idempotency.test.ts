/** Keys, limits, hosts and retries as clients meet them: over HTTP. */
import { startTestService, type TestService } from '../../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
  await service.ok('mutation { createProject(input: {name: "raced"}) { userErrors { code } } }');
});
afterAll(() => service.stop());

const START = `mutation ($input: StartEnrichmentInput!) { startEnrichment(input: $input) {
  job { id state priority requires { engine labels } timeoutSeconds maxAttempts waitsFor { code message } dead lastLines
    system(maxPoints: 10) { time } expectedEnd notBefore host device }
  userErrors { code field } } }`;
const start = async (idempotencyKey: string, more: object = {}) => {
  const input = { projectId: 'raced', kind: 'OBJECTS', idempotencyKey, ...more };
  const { data, errors } = await service.ask(START, { input });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.startEnrichment as { job: { id: string } | null; userErrors: { code: string; field: string[] }[] };
};
const count = async () => (await service.db.query('SELECT count(*)::int AS n FROM job'))[0].n as number;

test('50 clients with one key and request are one job; with 50 requests one wins, and 49 hear CONFLICT', async () => {
  const same = await Promise.all(Array.from({ length: 50 }, () => start('one')));
  expect(new Set(same.map(({ job }) => job?.id)).size).toBe(1);
  expect(same[0]?.job).toMatchObject({ state: 'QUEUED' });
  expect(await count()).toBe(1);
  const others = await Promise.all(
    Array.from({ length: 50 }, (_, i) => start('two', { job: { priority: i, requires: { labels: ['a100'] } } })),
  );
  expect(others.filter(({ job }) => job)).toHaveLength(1);
  const refused = others.flatMap(({ userErrors }) => userErrors);
  expect(refused).toHaveLength(49);
  for (const error of refused) expect(error).toEqual({ code: 'CONFLICT', field: ['idempotencyKey'] });
  expect(await count()).toBe(2);
});

test('a job says how it is to be run and why it waits', async () => {
  const job = { priority: 3, timeoutSeconds: 60, maxAttempts: 5, requires: { engine: 'CUDA', labels: ['b', 'a', 'b'] } };
  expect((await start('three', { job })).job).toMatchObject({
    ...{ priority: 3, timeoutSeconds: 60, maxAttempts: 5, requires: { engine: 'CUDA', labels: ['a', 'b'] } },
    waitsFor: { code: 'NO_HOST', message: 'No host with labels a, b is there.' },
    ...{ dead: false, lastLines: [], system: [], expectedEnd: null, notBefore: null, host: null, device: null },
  });
  for (const [wrong, field] of [
    [{ priority: 1001 }, ['job', 'priority']],
    [{ timeoutSeconds: 0 }, ['job', 'timeoutSeconds']],
    [{ maxAttempts: 0 }, ['job', 'maxAttempts']],
    [{ requires: { labels: ['no blanks'] } }, ['job', 'requires', 'labels']],
  ] as const)
    expect((await start(`wrong ${field.join()}`, { job: wrong })).userErrors).toEqual([
      { code: 'BAD_USER_INPUT', field },
    ]);
});

test('limits are set and refuse; a cancelled job is put back; hosts are listed', async () => {
  const before = await count();
  const limits = `mutation { setJobLimits(input: {projectId: "raced", share: 2, maxQueued: ${before}}) {
    project { jobLimits { share maxRunning maxQueued } } userErrors { code } } }`;
  expect((await service.ok(limits)).setJobLimits.project.jobLimits).toEqual({
    ...{ share: 2, maxRunning: null, maxQueued: before },
  });
  expect((await start('four')).userErrors).toMatchObject([{ code: 'QUEUE_FULL' }]);
  const { jobs } = await service.ok('{ jobs(projectId: "raced", first: 1) { edges { node { id } } } }');
  const jobId = jobs.edges[0].node.id;
  const ask = (name: string, input: object) =>
    service.ok(`mutation ($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) {
      job { state reason { code } } userErrors { code } } }`, { input });
  expect((await ask('cancelJob', { jobId })).cancelJob.job.state).toBe('CANCELLED');
  expect((await ask('retryJob', { jobId, idempotencyKey: 'r' })).retryJob.job).toEqual({
    ...{ state: 'QUEUED', reason: { code: 'RETRIED' } },
  });
  await service.db.query(
    `INSERT INTO host (id, name, worker, labels, engines, slots, task_slots, version, seen_at) VALUES
       (gen_random_uuid(), 'here', 'w1', '{a100}', '{cuda}', '[{"engine": "cuda", "device": "0", "count": 2}]', 1, '1', now()),
       (gen_random_uuid(), 'lost', 'w2', '{}', '{}', '[]', 1, '1', now() - interval '1 minute')`,
  );
  const fields = 'name worker labels engines slots { engine device count } taskSlots present jobs { id }';
  const { hosts } = await service.ok(`{ hosts { ${fields} } }`);
  expect(hosts).toEqual([
    {
      ...{ name: 'here', worker: 'w1', labels: ['a100'], engines: ['CUDA'], taskSlots: 1, present: true, jobs: [] },
      slots: [{ engine: 'CUDA', device: '0', count: 2 }],
    },
    { ...{ name: 'lost', worker: 'w2', labels: [], engines: [], slots: [], taskSlots: 1, present: false, jobs: [] } },
  ]);
});
