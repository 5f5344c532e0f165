import { DoneEvent } from '../../src/experiments/events/event.js';
import { readEvents } from '../../src/experiments/events/log.js';
import { Artifact } from '../../src/experiments/artifact.js';
import { conditionsOf } from '../../src/experiments/evaluationService.js';
import { createWorld, type World } from './world.js';

describe('a training and an evaluation', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await world.worker({});
  });
  afterAll(() => world.stop());

  it('go from the mutation to events, artifacts and figures', async () => {
    const { uuid, experimentUuid } = await world.train();
    const job = await world.until(uuid);
    expect(job).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 1,
      crashes: 0,
      engine: 'cpu',
      worker: 'worker',
    });
    const events = await readEvents(world.db, experimentUuid, 0, 1000);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(0)).toMatchObject({ state: 'QUEUED' });
    expect(events.at(1)).toMatchObject({ state: 'RUNNING' });
    expect(events.at(2)).toMatchObject({ message: 'engine cpu: scripted' });
    expect(events.at(-1)).toBeInstanceOf(DoneEvent);
    expect(events.at(-1)).toMatchObject({ state: 'SUCCEEDED', reason: null });
    expect(events).toHaveLength(3 + 3 * 8 + 1);
    const artifacts = await world.context().load.many(Artifact, 'experiment_id', experimentUuid, 'path');
    expect(artifacts.map(({ path }) => path)).toEqual([
      'initial/model.json',
      'initial/weights.bin',
      'model/model.json',
      'model/weights.bin',
    ]);

    const started = await world.evaluate(experimentUuid, 'BEST');
    expect((await world.until(started.uuid)).state).toBe('SUCCEEDED');
    const { load, db } = world.context();
    const conditions = await conditionsOf(load, db, started.evaluationUuid ?? '');
    // The stand-in always says GREEN, the first class.
    expect(conditions.map(({ condition, n, correct }) => [condition, n, correct])).toEqual([
      [null, 3, 1],
      ['night', 2, 1],
      ['rain', 1, 1],
    ]);
    expect(conditions[1]?.confusion).toEqual([
      { actual: 'GREEN', predicted: 'GREEN', count: 1 },
      { actual: 'GREEN', predicted: 'RED', count: 0 },
      { actual: 'RED', predicted: 'GREEN', count: 1 },
      { actual: 'RED', predicted: 'RED', count: 0 },
    ]);
    expect(await readEvents(world.db, experimentUuid, events.length, 10)).toEqual([]);
  });
});
