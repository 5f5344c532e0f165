/** A project with a data set version, the services of a worker, and trainers that follow a script. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createHash, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Split } from '../../src/catalog/vocabulary.js';
import { Loaders, type Context } from '../../src/graphql/context.js';
import { selectOne } from '../../src/graphql/select.js';
import { FolderBlobs } from '../../src/platform/blobs/folder.js';
import { PartialFiles } from '../../src/platform/partialFiles.js';
import { createSigner } from '../../src/platform/signer.js';
import { parseConfig } from '../../src/platform/config.js';
import { createHub } from '../../src/platform/hub.js';
import { newId } from '../../src/platform/ids.js';
import { createQueue } from '../../src/platform/queue.js';
import { startWorker, type Worker, type WorkerOptions } from '../../src/jobs/index.js';
import { Job, type ExperimentJob } from '../../src/jobs/job.js';
import { startEvaluation, type StartEvaluation } from '../../src/jobs/start/startEvaluation.js';
import { startTraining, type StartTraining } from '../../src/jobs/start/startTraining.js';
import { insertStandardProtocols } from '../../src/experiments/protocol/standard.js';
import { isFinal, type Weights } from '../../src/jobs/vocabulary.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import type { Script } from './scriptedTrainer.js';

export interface LightRow {
  color: string;
  split: 'TRAIN' | 'VALIDATION' | 'TEST';
  conditions?: number[];
}

/** Two colours in every split; by night the greens. */
export const LIGHTS: LightRow[] = (['TRAIN', 'VALIDATION', 'TEST'] as const).flatMap((split) => [
  { color: 'RED', split, conditions: [] },
  { color: 'RED', split, conditions: [0] },
  { color: 'GREEN', split, conditions: [0, 1] },
]);

export type World = Awaited<ReturnType<typeof createWorld>>;

/** @param database of the world's own, which stops with it */
export async function createWorld(database?: TestDatabase) {
  database ??= await createTestDatabase();
  const { db } = database;
  const dataDir = await mkdtemp(join(tmpdir(), 'shingo-jobs-'));
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const config = { ...parseConfig({}), dataDir, drainSeconds: 5, retrySeconds: 0 };
  const queue = createQueue();
  const hub = createHub(database.url, log);
  const blobs = new FolderBlobs(join(dataDir, 'blobs'));
  // As a process does when it starts: from then on a folder that is not there is away.
  await blobs.check();
  const services = {
    ...{
      config,
      db,
      databaseUrl: database.url,
      queue,
      hub,
      log,
      blobs,
    },
    ...{ partials: new PartialFiles(join(dataDir, 'partial')), signer: createSigner('of the tests') },
  };
  const workers: Worker[] = [];
  const project = await insertProject(db);
  const world = {
    ...services,
    services,
    dataDir,
    databaseUrl: database.url,
    project,
    modelUuid: await insertModel(db, project),
    versionUuid: await insertVersion(db, project, LIGHTS),
    train: (input: Partial<StartTraining> = {}) =>
      startTraining(services, {
        datasetVersionUuid: world.versionUuid,
        modelUuid: world.modelUuid,
        idempotencyKey: randomUUID(),
        parameters: { epochs: 3 },
        ...input,
      }),
    evaluate: (experimentUuid: string, weights: `${Weights}`, input: Partial<StartEvaluation> = {}) =>
      startEvaluation(services, {
        experimentUuid,
        datasetVersionUuid: world.versionUuid,
        split: Split.TEST,
        weights: weights as Weights,
        idempotencyKey: randomUUID(),
        ...input,
      }),
    wait: until,
    job: async (uuid: string) => (await selectOne(db, Job, uuid)) as ExperimentJob,
    /** Waits for a state of the job (a final one, unless told). */
    until: (
      uuid: string,
      accept: (job: ExperimentJob) => boolean = (job) => isFinal(job.state),
      ms?: number,
    ) =>
      until(async () => {
        const job = await world.job(uuid);
        return accept(job) ? job : null;
      }, ms),
    /** Path of a trainer that plays the script. */
    trainer: (script: Script) => scripted(dataDir, script),
    worker: async (script: Script, options: Partial<WorkerOptions> = {}) => {
      const trainer = await world.trainer(script);
      return world.adopt(
        startWorker(services, {
          engine: 'cpu',
          name: 'worker',
          trainer,
          reapMs: 50,
          heartbeatMs: 100,
          ...options,
        }),
      );
    },
    /** It is stopped with the world at the latest. */
    adopt: (worker: Worker) => {
      workers.push(worker);
      return worker;
    },
    context: (gone = new AbortController().signal): Context => ({
      ...services,
      load: new Loaders(db, true),
      actor: 'anonymous',
      gone,
    }),
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await hub.close();
      await database.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return world;
}

type Db = Awaited<ReturnType<typeof createTestDatabase>>['db'];

export async function insertProject(db: Db): Promise<string> {
  const uuid = newId();
  await db.query('INSERT INTO project (id, name) VALUES ($1, $2)', [uuid, `project ${uuid.slice(-6)}`]);
  await insertStandardProtocols(db.manager, uuid);
  return uuid;
}

export async function insertModel(db: Db, project: string): Promise<string> {
  const uuid = newId();
  await db.query('INSERT INTO model (id, project_id, name) VALUES ($1, $2, $3)', [uuid, project, 'colour']);
  return uuid;
}

/** Conditions `night` and `rain`; one picture a light. */
export async function insertVersion(
  db: Pick<Db, 'query'>,
  project: string,
  lights: LightRow[],
): Promise<string> {
  const [dataset, version] = [newId(), newId()];
  await db.query('INSERT INTO dataset (id, project_id, name) VALUES ($1, $2, $3)', [
    dataset,
    project,
    dataset,
  ]);
  await db.query(
    `INSERT INTO dataset_version (id, dataset_id, version, data_id, seed, train, validation, test, image_count, light_count,
       condition_names, condition_ids, condition_versions)
     VALUES ($1, $2, 1, 'data', 1, 0.7, 0.15, 0.15, $3, $3, '{night,rain}', $4, '{1,1}')`,
    [version, dataset, lights.length, [newId(), newId()]],
  );
  for (const [index, light] of lights.entries()) {
    const sha256 = createHash('sha256').update(`${version} ${index}`).digest('hex');
    await db.query(
      `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
       VALUES ($1, 'image/png', 1, 8, 8, 0.5, 0.5)`,
      [sha256],
    );
    const box = { category: 'TRAFFIC_LIGHT', x: 0, y: 0, width: 8, height: 8, color: light.color };
    const noise = [
      { ...box, color: 'UNKNOWN' },
      { ...box, category: 'CAR', color: null },
    ];
    await db.query(
      `INSERT INTO dataset_item (version_id, sha256, image_id, split, conditions, annotations, lights)
       VALUES ($1, $2, $3, $4, $5, $6, 2)`,
      [version, sha256, newId(), light.split, light.conditions ?? [], JSON.stringify([...noise, box])],
    );
  }
  return version;
}

/** A module that plays the script when it is forked. */
export async function scripted(folder: string, script: Script): Promise<string> {
  const file = join(folder, 'trainers', `${randomUUID()}.mjs`);
  await mkdir(join(folder, 'trainers'), { recursive: true });
  const player = new URL('./scriptedTrainer.js', import.meta.url).href;
  // JSON has no NaN.
  const text = JSON.stringify(script, (_, value: unknown) =>
    Number.isNaN(value) ? 'NaN!' : value,
  ).replaceAll('"NaN!"', 'NaN');
  await writeFile(file, `import { play } from ${JSON.stringify(player)};\nplay(${text});\n`);
  return file;
}

export async function until<T>(look: () => Promise<T | null | false | undefined>, ms = 20_000): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(10)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`Waited ${ms} ms in vain.`);
}
