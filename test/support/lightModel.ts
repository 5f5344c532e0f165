/** A model that tells colours apart by the mean colour of a crop: made by hand, so that a test knows what it answers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { DataSource } from 'typeorm';
import { insertExperiment } from '../../src/experiments/experimentService.js';
import { putArtifacts, type NewArtifact } from '../../src/experiments/outcome.js';
import { storeFile } from '../../src/jobs/worker/files.js';
import type { BlobStore } from '../../src/platform/blobs.js';
import { createNamed } from '../../src/platform/database/named.js';
import { startEngine } from '../../src/training/engines/index.js';
import { defaultPreprocessing } from '../../src/training/input/preprocessing.js';
import { saveModel } from '../../src/training/modelFiles.js';
import { detectionPreprocessing } from '../../src/training/tasks/lightDetection/preprocessing.js';
import { tf, tfl } from '../../src/training/tensorflow.js';
import { sha256, type TestService } from './service.js';

const SIDE = 16;
export const CLASSES = ['GREEN', 'RED'];
/** [red, green, blue] × CLASSES */
export const BY_HUE = [
  [-2.1, 1.8],
  [1.9, -2.2],
  [0, 0.1],
];
/** Its blue outweighs all else, but for both colours alike: with 8 bits a tensor nothing else is left. */
export const DROWNED = [
  [-0.4, 0.4],
  [0.4, -0.4],
  [1000, 1000],
];

const FILES = ['model.json', 'weights.bin', 'classes.json', 'preprocessing.json'];

export async function writeHandMade(folder: string, kernel: number[][]): Promise<void> {
  const engine = await startEngine('cpu');
  try {
    const input = tfl.input({ shape: [SIDE, SIDE, 3] });
    const mean = tfl.layers.globalAveragePooling2d({}).apply(input);
    const logits = tfl.layers.dense({ units: CLASSES.length, name: 'logits' }).apply(mean);
    const scores = tfl.layers.softmax().apply(logits) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: input, outputs: scores });
    model.getLayer('logits').setWeights([tf.tensor2d(kernel), tf.zeros([CLASSES.length])]);
    await saveModel(folder, model, { classes: CLASSES, preprocessing: defaultPreprocessing(SIDE) });
    model.dispose();
  } finally {
    await engine.release();
  }
}

/** Finds lights of 20 × 20 pixels in pictures of 96 × 64: as LIGHT_DETECTION's networks answer, by the mean hue around. */
export async function writeHandMadeDetector(folder: string): Promise<void> {
  const engine = await startEngine('cpu');
  try {
    const [inputWidth, inputHeight] = [96, 64];
    const input = tfl.input({ shape: [inputHeight, inputWidth, 3] });
    const cells = tfl.layers.averagePooling2d({ poolSize: 4, strides: 4 }).apply(input);
    const around = tfl.layers.averagePooling2d({ poolSize: 5, strides: 1, padding: 'same' }).apply(cells);
    const heat = tfl.layers
      .conv2d({ name: 'heat', filters: CLASSES.length, kernelSize: 1, activation: 'sigmoid' })
      .apply(around) as tfl.SymbolicTensor;
    const box = tfl.layers
      .conv2d({ name: 'box', filters: 4, kernelSize: 1 })
      .apply(around) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: input, outputs: [heat, box] });
    model
      .getLayer('heat')
      .setWeights([tf.tensor4d([-7, 7, 7, -7, 0, 0], [1, 1, 3, 2]), tf.tensor1d([-5, -5])]);
    // 20 pixels are 5 cells, in units of 4, as logarithms; the centre is in the middle of its cell.
    const size = Math.log(5 / 4);
    model.getLayer('box').setWeights([tf.zeros([1, 1, 3, 4]), tf.tensor1d([size, size, 0.5, 0.5])]);
    const parameters = { inputWidth, inputHeight, maxDetections: 20 } as never;
    await saveModel(folder, model, { classes: CLASSES, preprocessing: detectionPreprocessing(parameters) });
    model.dispose();
  } finally {
    await engine.release();
  }
}

let made = 0;

/** An experiment that has succeeded, with these weights as its best. Returns its UUID. */
export async function storeHandMade(
  { db, blobs }: { db: DataSource; blobs: BlobStore },
  {
    projectUuid,
    versionUuid,
    kernel = BY_HUE,
    task = 'LIGHT_STATE',
  }: {
    projectUuid: string;
    versionUuid: string;
    kernel?: number[][];
    task?: 'LIGHT_STATE' | 'LIGHT_DETECTION';
  },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-model-'));
  try {
    if (task === 'LIGHT_STATE') await writeHandMade(join(folder, 'model'), kernel);
    else await writeHandMadeDetector(join(folder, 'model'));
    const artifacts: NewArtifact[] = [];
    for (const name of FILES)
      artifacts.push({
        ...{ path: `model/${name}`, kind: 'MODEL', mediaType: 'application/octet-stream' },
        ...(await storeFile(blobs, join(folder, 'model', name))),
      });
    const name = `by-hand-${++made}`;
    const modelUuid = await createNamed(db, 'model', projectUuid, { name });
    return await db.transaction(async (manager) => {
      const uuid = await insertExperiment(manager, {
        parentUuid: null,
        ...{ projectUuid, modelUuid, datasetVersionUuid: versionUuid, name },
        ...{ task, algorithm: 'by-hand', parameters: {} },
      });
      await putArtifacts(manager, blobs, uuid, artifacts);
      await manager.query("UPDATE experiment SET state = 'SUCCEEDED' WHERE id = $1", [uuid]);
      return uuid;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const HUES = { RED: { r: 200, g: 30, b: 20 }, GREEN: { r: 30, g: 190, b: 40 } };

/** A grey road with a light of 20 × 20 pixels at (x, y) of each of these colours. */
export async function road(
  lights: { color: keyof typeof HUES; x: number; y: number }[],
  shade: number,
): Promise<Buffer> {
  const background = { r: 60 + (shade % 60), g: 60 + (shade % 60), b: 60 + Math.floor(shade / 60) };
  const discs = lights.map(({ color, x, y }) => ({
    input: { create: { width: 20, height: 20, channels: 3 as const, background: HUES[color] } },
    ...{ left: x, top: y },
  }));
  return sharp({ create: { width: 96, height: 64, channels: 3, background } })
    .composite(discs)
    .png()
    .toBuffer();
}

/** Puts a picture into the service. Returns its digest. */
export async function send(service: TestService, picture: Buffer): Promise<string> {
  const answer = await service.put(picture, sha256(picture), 'image/png');
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return sha256(picture);
}

export interface RoadProject {
  projectId: string;
  projectUuid: string;
  versionUuid: string;
  versionId: string;
}

/** Pictures of a light each, by turns red and green, and a version whose TEST split has all of them. */
/** @param at left and top edge of the lights */
export async function roads(
  service: TestService,
  name: string,
  count: number,
  at = 10,
): Promise<RoadProject> {
  const rows = [];
  for (let n = 0; n < count; n++) {
    const color = n % 2 ? 'RED' : 'GREEN';
    const digest = await send(service, await road([{ color, x: at, y: at }], n));
    const boxes = [{ category: 'TRAFFIC_LIGHT', x: at, y: at, width: 20, height: 20, color }];
    rows.push({ sha256: digest, fileName: `${n}.png`, boxes });
  }
  const { createProject } = await service.ok(
    'mutation ($name: String!) { createProject(input: { name: $name }) { project { id } userErrors { code message } } }',
    { name },
  );
  const projectId = createProject.project.id as string;
  await service.ok(
    'mutation ($id: ID!, $rows: [RegisterImageRow!]!) { registerImages(input: { projectId: $id, rows: $rows }) { userErrors { code message } } }',
    { id: projectId, rows },
  );
  const { createDataset } = await service.ok(
    'mutation ($id: ID!) { createDataset(input: { projectId: $id, name: "lights" }) { dataset { id } userErrors { code message } } }',
    { id: projectId },
  );
  const { createDatasetVersion } = await service.ok(
    'mutation ($id: ID!) { createDatasetVersion(input: { datasetId: $id, train: 1, validation: 0, test: 0 }) { datasetVersion { id } userErrors { code message } } }',
    { id: createDataset.dataset.id },
  );
  const [{ id: versionUuid, project_id: projectUuid }] = await service.db.query(
    'SELECT v.id, d.project_id FROM dataset_version v JOIN dataset d ON d.id = v.dataset_id WHERE d.name = $1 AND d.project_id = (SELECT id FROM project WHERE name = $2)',
    ['lights', name],
  );
  await service.db.query("UPDATE dataset_item SET split = 'TEST' WHERE version_id = $1", [versionUuid]);
  return { projectId, projectUuid, versionUuid, versionId: createDatasetVersion.datasetVersion.id };
}
