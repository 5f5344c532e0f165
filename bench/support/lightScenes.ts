/** A project of rendered road scenes in a service of the benchmark's own, and a MobileNetV2 that predicts their lights. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderShot } from '../../seeds/demo.js';
import { planDemo } from '../../seeds/plan.js';
import { insertExperiment } from '../../src/experiments/experimentService.js';
import { putArtifacts, type NewArtifact } from '../../src/experiments/outcome.js';
import type { Services } from '../../src/graphql/context.js';
import { toGlobalId } from '../../src/graphql/node.js';
import { storeFile } from '../../src/jobs/worker/files.js';
import { createNamed } from '../../src/platform/database/named.js';
import { startEngine } from '../../src/training/engines/index.js';
import { defaultPreprocessing } from '../../src/training/input/preprocessing.js';
import { saveModel } from '../../src/training/modelFiles.js';
import { buildClassifier } from '../../src/training/networks/build.js';
import { trainingParametersSchema } from '../../src/training/protocol.js';

const CLASSES = ['GREEN', 'OFF', 'RED', 'YELLOW'];
const FILES = ['model.json', 'weights.bin', 'classes.json', 'preprocessing.json'];

export interface LightScenes {
  projectUuid: string;
  experimentUuid: string;
  experimentId: string;
}

/** The data of an answer; fails on errors. */
export type Ask = <T>(query: string, variables: object) => Promise<T>;

export async function lightScenes(
  url: string,
  services: Services,
  ask: Ask,
  images: number,
): Promise<LightScenes> {
  const rows: object[] = [];
  for (const [n, shot] of planDemo(images, 1).entries()) {
    const { jpeg, boxes } = await renderShot(shot, 1);
    const sha256 = createHash('sha256').update(jpeg).digest('hex');
    const answer = await fetch(`${url}/blobs/${sha256}`, { method: 'PUT', body: new Uint8Array(jpeg) });
    if (!answer.ok) throw new Error(await answer.text());
    rows.push({ sha256, fileName: `${n}.jpg`, boxes });
  }
  await ask('mutation { createProject(input: { name: "scenes" }) { userErrors { message } } }', {});
  await ask(
    'mutation ($rows: [RegisterImageRow!]!) { registerImages(input: { projectId: "scenes", rows: $rows }) { userErrors { message } } }',
    { rows },
  );
  const { createDataset } = await ask<{ createDataset: { dataset: { id: string } } }>(
    'mutation { createDataset(input: { projectId: "scenes", name: "all" }) { dataset { id } userErrors { message } } }',
    {},
  );
  await ask(
    'mutation ($id: ID!) { createDatasetVersion(input: { datasetId: $id, train: 1, validation: 0, test: 0 }) { userErrors { message } } }',
    { id: createDataset.dataset.id },
  );
  const [{ project_id: projectUuid, id: versionUuid }] = await services.db.query(
    'SELECT d.project_id, v.id FROM dataset_version v JOIN dataset d ON d.id = v.dataset_id',
  );
  const experimentUuid = await untrained(services, projectUuid as string, versionUuid as string);
  return { projectUuid, experimentUuid, experimentId: toGlobalId('Experiment', experimentUuid) };
}

/** What it answers does not matter here; how fast does. */
async function untrained(services: Services, projectUuid: string, versionUuid: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  const engine = await startEngine('wasm');
  try {
    const inputSize = 32;
    const parameters = trainingParametersSchema.parse({ inputSize, widthMultiplier: 0.35 });
    const model = buildClassifier(parameters, CLASSES.length);
    await saveModel(folder, model, { classes: CLASSES, preprocessing: defaultPreprocessing(inputSize) });
    model.dispose();
    const artifacts: NewArtifact[] = [];
    for (const name of FILES)
      artifacts.push({
        ...{ path: `model/${name}`, kind: 'MODEL', mediaType: 'application/octet-stream' },
        ...(await storeFile(services.blobs, join(folder, name))),
      });
    const modelUuid = await createNamed(services.db, 'model', projectUuid, { name: 'model' });
    return await services.db.transaction(async (manager) => {
      const uuid = await insertExperiment(manager, {
        parentUuid: null,
        ...{ projectUuid, modelUuid, datasetVersionUuid: versionUuid, name: 'untrained' },
        ...{ task: 'LIGHT_STATE', algorithm: 'mobilenetv2', parameters: {} },
      });
      await putArtifacts(manager, services.blobs, uuid, artifacts);
      await manager.query("UPDATE experiment SET state = 'SUCCEEDED' WHERE id = $1", [uuid]);
      return uuid;
    });
  } finally {
    await engine.release();
    await rm(folder, { recursive: true, force: true });
  }
}
