/** A project with models, data set versions and evaluations whose figures the service itself has made. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { STANDARD_CONDITIONS } from '../../src/catalog/condition/condition.js';
import { insertCondition } from '../../src/catalog/condition/conditionService.js';
import { LearningTask, Split } from '../../src/catalog/vocabulary.js';
import { prepareEvaluation } from '../../src/experiments/evaluate/prepare.js';
import { storeEvaluation } from '../../src/experiments/evaluate/store.js';
import { insertEvaluation, setEvaluationState } from '../../src/experiments/evaluationService.js';
import { protocolFor } from '../../src/experiments/protocol/protocolService.js';
import { toGlobalId } from '../../src/graphql/node.js';
import { JobState, Weights } from '../../src/jobs/vocabulary.js';
import { createModelVersion } from '../../src/models/version/versionService.js';
import { FolderBlobs } from '../../src/platform/blobs/folder.js';
import { newId } from '../../src/platform/ids.js';
import { insertModel, insertProject, insertVersion, type LightRow } from '../faults/world.js';

/** insertVersion puts two boxes that are no lights of a known colour before each light. */
const LIGHT = 2;
const CLASSES = ['GREEN', 'RED'];

export const NIGHT = 0;
export const RAIN = 1;

/** `each` lights of the test split by day, at night and in the rain, by turns red and green. */
export const testLights = (each: number): LightRow[] => [
  ...CLASSES.map((color) => ({ color, split: 'TRAIN' as const })),
  ...[[], [NIGHT], [RAIN]].flatMap((conditions) =>
    Array.from({ length: each }, (_, n) => ({
      color: CLASSES[n % 2] as string,
      split: 'TEST' as const,
      conditions,
    })),
  ),
];

/** What a model says of a light, null: it finds nothing; `index` counts the lights of the version. */
export type Answer = (light: LightRow, index: number) => string | null;
export const right: Answer = ({ color }) => color;
export const wrong: Answer = ({ color }) => CLASSES.find((other) => other !== color) as string;

export interface RegistryWorld {
  db: DataSource;
  project: string;
  model: string;
  version: string;
  dataset: string;
  lights: LightRow[];
}

export async function createRegistryWorld(db: DataSource, each: number): Promise<RegistryWorld> {
  const project = await insertProject(db);
  const lights = testLights(each);
  // In one transaction: a commit a light is most of the time of a test.
  const version = await db.transaction(async (manager) => {
    for (const condition of STANDARD_CONDITIONS) await insertCondition(manager, project, condition);
    await manager.query('UPDATE evaluation_protocol SET resamples = 100 WHERE project_id = $1', [project]);
    return insertVersion(manager, project, lights);
  });
  const [{ id: dataset }] = await db.query('SELECT dataset_id AS id FROM dataset_version WHERE id = $1', [
    version,
  ]);
  return { db, project, model: await insertModel(db, project), version, dataset, lights };
}

/** An experiment as its training left it. */
export async function newExperiment(
  world: RegistryWorld,
  { state = JobState.SUCCEEDED, task = LearningTask.LIGHT_STATE } = {},
): Promise<string> {
  const uuid = newId();
  await world.db.query(
    `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm, state, task)
     VALUES ($1, $2, $3, $4, $1::uuid::text, 'mobilenetv2', $5, $6)`,
    [uuid, world.project, world.model, world.version, state, task],
  );
  return uuid;
}

export interface EvaluationOf {
  /** Missing: predictions made elsewhere. */
  experiment?: string;
  version?: string;
  weights?: Weights;
  task?: LearningTask;
}

/** A finished evaluation of the test split, from a file of predictions to its cells. Returns its UUID. */
export async function newEvaluation(world: RegistryWorld, of: EvaluationOf, answer: Answer): Promise<string> {
  const { db, project, lights } = world;
  const datasetVersionUuid = of.version ?? world.version;
  const { task = LearningTask.LIGHT_STATE } = of;
  const protocol = await protocolFor(db, project, task, null);
  const uuid = await db.transaction((manager) =>
    insertEvaluation(manager, {
      ...{ projectUuid: project, modelUuid: world.model, protocolUuid: protocol.uuid, task },
      ...{ datasetVersionUuid, split: Split.TEST, classes: CLASSES },
      ...(of.experiment
        ? { source: 'JOB', experimentUuid: of.experiment, weights: of.weights ?? Weights.BEST }
        : { source: 'IMPORTED', name: 'made elsewhere' }),
    }),
  );
  const lines = lights.flatMap((light, index) => {
    if (light.split !== 'TEST') return [];
    const sha256 = createHash('sha256').update(`${datasetVersionUuid} ${index}`).digest('hex');
    return [JSON.stringify(line(task, sha256, light, answer(light, index)))];
  });
  await finish(db, uuid, lines);
  return uuid;
}

function line(task: LearningTask, sha256: string, { color }: LightRow, answer: string | null): object {
  const [label, predicted] = [CLASSES.indexOf(color), CLASSES.indexOf(answer ?? '')];
  if (task === LearningTask.LIGHT_STATE) {
    const scores = CLASSES.map((_, at) => (at === predicted ? 0.9 : 0.1));
    return { id: `${sha256}:${LIGHT}`, label, predicted, scores };
  }
  const box = { x: 0, y: 0, width: 8, height: 8 };
  return { id: sha256, detections: answer === null ? [] : [{ label: predicted, score: 0.9, ...box }] };
}

async function finish(db: DataSource, uuid: string, lines: string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-registry-'));
  try {
    const file = join(folder, 'predictions.jsonl');
    await writeFile(file, `${lines.join('\n')}\n`);
    const prepared = await prepareEvaluation(db, uuid, { file, folder });
    await db.transaction(async (manager) => {
      await storeEvaluation(manager, prepared);
      await setEvaluationState(manager, uuid, JobState.SUCCEEDED);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Global id of the version that is made of the experiment. */
export async function newVersionOf({ db, model }: RegistryWorld, experimentUuid: string): Promise<string> {
  const blobs = new FolderBlobs(join(tmpdir(), 'no-blobs'));
  const { uuid } = await createModelVersion({ db, blobs }, 'test', { modelUuid: model, experimentUuid });
  return toGlobalId('ModelVersion', uuid);
}

/** Global ids of versions of as many experiments. */
export async function newVersions(world: RegistryWorld, count: number): Promise<string[]> {
  const made: string[] = [];
  for (let n = 0; n < count; n++) made.push(await newVersionOf(world, await newExperiment(world)));
  return made;
}
