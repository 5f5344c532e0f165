import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Artifact } from '../../src/experiments/artifact.js';
import { readEvents } from '../../src/experiments/events/log.js';
import { cancelJob } from '../../src/jobs/jobService.js';
import { JobState } from '../../src/jobs/vocabulary.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

const gate = () => join(world.dataDir, 'gate');
const losses = async (experimentUuid: string) =>
  (await readEvents(world.db, experimentUuid, 0, 1000)).flatMap((event) =>
    'value' in event ? [event.value] : [],
  );
const inEpoch = (epoch: number) => (job: { epoch: number | null; state: string }) =>
  job.epoch === epoch && job.state === 'RUNNING';

describe('a worker that shuts down', () => {
  it('gives its job back, and the next worker goes on where it was', async () => {
    const first = await world.worker({ gate: { epoch: 3, file: gate() } });
    const { uuid, experimentUuid } = await world.train({ parameters: { epochs: 4 } });
    await world.until(uuid, inEpoch(2));
    await first.stop();
    expect(await world.job(uuid)).toMatchObject({
      state: 'QUEUED',
      reasonCode: 'DRAINED',
      crashes: 0,
      worker: null,
    });
    await world.worker({});
    expect(await world.until(uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 0 });
    const whole = await world.train({ parameters: { epochs: 4 } });
    await world.until(whole.uuid);
    expect(await losses(experimentUuid)).toEqual(await losses(whole.experimentUuid));
  });

  it('does not wait for a trainer that does not listen', async () => {
    world.config.drainSeconds = 1;
    const worker = await world.worker({ gate: { epoch: 2, file: gate() }, deaf: true });
    const { uuid } = await world.train();
    await world.until(uuid, inEpoch(1));
    await worker.stop();
    expect(await world.job(uuid)).toMatchObject({ state: 'QUEUED', reasonCode: 'DRAINED', crashes: 0 });
    await world.worker({});
    expect(await world.until(uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2 });
  });

  it('can do so five times without using up the attempts', async () => {
    const { uuid } = await world.train();
    for (let round = 1; round <= 5; round += 1) {
      const worker = await world.worker({ gate: { epoch: 1, file: gate() } });
      await world.until(uuid, (job) => job.state === JobState.RUNNING && job.attempt === round);
      await worker.stop();
    }
    await writeFile(gate(), '');
    await world.worker({});
    expect(await world.until(uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 6, crashes: 0 });
  });
});

describe('cancelling', () => {
  it('ends a queued job at once, and its message is dropped', async () => {
    const { uuid, experimentUuid } = await world.train();
    expect(await cancelJob(world.db, uuid)).toMatchObject({ state: 'CANCELLED' });
    expect(await cancelJob(world.db, uuid)).toMatchObject({ state: 'CANCELLED' });
    await world.worker({});
    const next = await world.train();
    expect((await world.until(next.uuid)).state).toBe('SUCCEEDED');
    expect(await world.job(uuid)).toMatchObject({ state: 'CANCELLED', attempt: 0 });
    expect((await readEvents(world.db, experimentUuid, 0, 10)).at(-1)).toMatchObject({ state: 'CANCELLED' });
  });

  it('ends a running one, and keeps its checkpoint', async () => {
    await world.worker({ gate: { epoch: 3, file: gate() } }, { heartbeatMs: 60_000 });
    const { uuid, experimentUuid } = await world.train({ parameters: { epochs: 4 } });
    await world.until(uuid, inEpoch(2));
    const asked = Date.now();
    expect((await cancelJob(world.db, uuid)).state).toBe('CANCELLING');
    expect(await world.until(uuid)).toMatchObject({ state: 'CANCELLED', reasonCode: 'CANCELLED' });
    // By the hint: the heartbeat is a minute away.
    expect(Date.now() - asked).toBeLessThan(5_000);
    const artifacts = await world.context().load.many(Artifact, 'experiment_id', experimentUuid);
    expect(artifacts.map(({ path, kind }) => [path, kind])).toEqual([
      ['checkpoint/state.json', 'CHECKPOINT'],
    ]);
  });

  it('is heard by the heartbeat when the hint is lost', async () => {
    await world.worker({ gate: { epoch: 2, file: gate() } });
    const { uuid } = await world.train();
    await world.until(uuid, inEpoch(1));
    await world.hub.close();
    await cancelJob(world.db, uuid);
    expect((await world.until(uuid)).state).toBe('CANCELLED');
  });

  it('ends with force a trainer that does not listen', async () => {
    world.config.drainSeconds = 1;
    await world.worker({ gate: { epoch: 2, file: gate() }, deaf: true });
    const { uuid } = await world.train();
    await world.until(uuid, inEpoch(1));
    await cancelJob(world.db, uuid);
    expect((await world.until(uuid)).state).toBe('CANCELLED');
  });

  it('is refused when the job is over', async () => {
    await world.worker({});
    const { uuid } = await world.train();
    await world.until(uuid);
    await expect(cancelJob(world.db, uuid)).rejects.toMatchObject({ code: 'JOB_FINISHED', field: ['jobId'] });
  });
});
