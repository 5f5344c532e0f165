/** PostgreSQL commits, and the connection breaks before it can say so: what is tried again is not there twice. */
import { connectDatabase } from '../../src/service.js';
import { startWorker } from '../../src/jobs/index.js';
import { chance } from '../../seeds/random.js';
import { randomOf } from './chance.js';
import { startWire } from './wire.js';
import { told } from './told.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

const SCRIPT = { chatty: true, keep: 3 };

it('a training many of whose commits are never answered logs each line and each metric once', async () => {
  const worker = await world.worker(SCRIPT);
  const whole = await world.train({ parameters: { epochs: 4 } });
  await world.until(whole.uuid);
  await worker.stop();

  const random = randomOf('lost answers');
  // Of what an attempt writes, not of the claim: a job that was claimed and whose worker never heard of it is reaped.
  const wire = await startWire(
    world.databaseUrl,
    (said) =>
      said.includes('/* experiment.append */') && !said.includes('/* job.pick */') && chance(random, 0.4),
  );
  const db = await connectDatabase(world.config, wire.url, 'cut off');
  const trainer = await world.trainer(SCRIPT);
  const cutOff = startWorker(
    { ...world.services, db },
    { engine: 'cpu', name: 'cut off', trainer, heartbeatMs: 100 },
  );
  try {
    const { uuid, experimentUuid } = await world.train({ parameters: { epochs: 4 } });
    expect(await world.until(uuid, undefined, 40_000)).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 1,
      crashes: 0,
    });
    expect(await told(world.db, experimentUuid)).toEqual(await told(world.db, whole.experimentUuid));
    expect(wire.lost).toBeGreaterThan(1);
  } finally {
    await cutOff.stop();
    await db.destroy();
    await wire.stop();
  }
}, 60_000);
