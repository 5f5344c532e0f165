/** Using a model: one prediction over the API, and many by the batch, against the network alone on the same tensors. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { EntityManager } from 'typeorm';
import type { Services } from '../src/graphql/context.js';
import { restoreFiles } from '../src/jobs/worker/files.js';
import { startEngine } from '../src/training/engines/index.js';
import { inputBatch } from '../src/training/input/lightBatch.js';
import { loadPictures } from '../src/training/input/pictures.js';
import { loadModel } from '../src/training/modelFiles.js';
import { tf } from '../src/training/tensorflow.js';
import { batchPrediction } from '../src/use/batch/batchPrediction.js';
import { modelSource } from '../src/use/modelSource.js';
import { predictors } from '../src/use/predict/predictors.js';
import { quantile, timed, type Benchmark } from './support/harness.js';
import { lightScenes, type Ask, type LightScenes } from './support/lightScenes.js';
import { withService } from './support/service.js';

interface Scene {
  imageId: string;
  sha256: string;
  lights: { x: number; y: number; width: number; height: number }[];
}

interface Predicted {
  predict: { computeMilliseconds: number; lights: { color: string }[] };
}

/** Both processes are started, and every shape has been seen once. */
const WARM = 20;

const PREDICT = `query ($experimentId: ID!, $imageId: ID!) {
  predict(experimentId: $experimentId, imageId: $imageId) { computeMilliseconds lights { color score } } }`;

interface ImageNode {
  id: string;
  sha256: string;
  annotations: { category: string; x: number; y: number; width: number; height: number }[];
}

async function scenesOf(ask: Ask): Promise<Scene[]> {
  const { images } = await ask<{ images: { nodes: ImageNode[] } }>(
    `query { images(projectId: "scenes", first: 100, where: { trafficLights: { gt: 0 } }) {
       nodes { id sha256 annotations { id category x y width height } } } }`,
    {},
  );
  return images.nodes.map(({ id, sha256, annotations }) => ({
    ...{ imageId: id, sha256 },
    lights: annotations.filter(({ category }) => category === 'TRAFFIC_LIGHT'),
  }));
}

/** The network alone, on the tensors of each scene's lights: what nothing here can be faster than. */
async function bareNetwork(services: Services, { experimentUuid }: LightScenes, scenes: Scene[]) {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  const engine = await startEngine('wasm');
  await restoreFiles(services.blobs, (await modelSource(services.db, experimentUuid)).files, folder);
  const { model, classes, preprocessing } = await loadModel(folder);
  await rm(folder, { recursive: true, force: true });
  const tensors: tf.Tensor4D[] = [];
  for (const { sha256, lights } of scenes) {
    const file = await services.blobs.file(sha256);
    const samples = lights.map((box, at) => ({
      ...{ id: String(at), file, box, label: 0, split: 'TEST' as const, conditions: [] },
    }));
    const pictures = await loadPictures(samples, preprocessing);
    tensors.push(inputBatch(pictures, Uint32Array.from(samples.keys()), preprocessing));
  }
  return {
    /** Colours of the lights of the nth scene. */
    async predict(n: number): Promise<string[]> {
      const output = model.predict(tensors[n]!) as tf.Tensor;
      const scores = (await output.array()) as number[][];
      output.dispose();
      return scores.map((row) => classes[row.indexOf(Math.max(...row))]!);
    },
    release: () => engine.release(),
  };
}

async function batchRun(services: Services, { projectUuid, experimentUuid }: LightScenes) {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  const { db, blobs } = services;
  const task = {
    ...{ db, blobs, folder, checkpoint: null, log: pino({ level: 'silent' }), progress: () => undefined },
    signal: new AbortController().signal,
    transaction: <T>(work: (manager: EntityManager) => Promise<T>) => db.transaction(work),
  };
  try {
    const start = performance.now();
    const report = await batchPrediction(task, { projectUuid, experimentUuid, minScore: 0 });
    return { report, seconds: (performance.now() - start) / 1000 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const bench: Benchmark = {
  title: 'One warm prediction over GraphQL and a batch of images, against model.predict on the same tensors',
  options: { images: 60, runs: 200 },
  targets: {
    'one prediction p95, ms': { max: 100 },
    'batch / network alone': { min: 0.5 },
  },
  run: ({ images = 60, runs = 200 }, say) =>
    withService(async ({ url, services }) => {
      const ask: Ask = async <T>(query: string, variables: object) => {
        const answer = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        });
        const { data, errors } = (await answer.json()) as { data: unknown; errors?: unknown };
        if (errors) throw new Error(JSON.stringify(errors));
        return data as T;
      };
      try {
        const made = await lightScenes(url, services, ask, images);
        const scenes = await scenesOf(ask);
        const lights = scenes.reduce((sum, scene) => sum + scene.lights.length, 0);
        say(
          `${scenes.length} scenes of 1280 × 720 with ${lights} lights; MobileNetV2 α 0.35 at 32 px on wasm`,
        );
        const bare = await bareNetwork(services, made, scenes);
        const compute: number[] = [];
        const alone: number[] = [];
        const taken: number[] = [];
        // By turns, so that whatever else the machine does happens to both.
        for (let run = -WARM; run < runs; run++) {
          const n = (run + WARM) % scenes.length;
          const start = performance.now();
          const { predict } = await ask<Predicted>(PREDICT, {
            experimentId: made.experimentId,
            imageId: scenes[n]!.imageId,
          });
          const between = performance.now();
          const expected = await bare.predict(n);
          const end = performance.now();
          const colors = predict.lights.map(({ color }) => color);
          if (JSON.stringify(colors) !== JSON.stringify(expected))
            throw new Error(
              `Over the API ${colors.join()} was predicted, by the network alone ${expected.join()}.`,
            );
          if (run < 0) continue;
          taken.push(between - start);
          alone.push(end - between);
          compute.push(predict.computeMilliseconds);
        }
        const [aloneMs = 0] = await timed(1, async () => {
          for (const n of scenes.keys()) await bare.predict(n);
        });
        await bare.release();
        const { report, seconds } = await batchRun(services, made);
        if (report.changed !== scenes.length)
          throw new Error(`${report.changed} images of ${scenes.length} were predicted.`);
        const [p50, p95] = [quantile(taken, 0.5), quantile(taken, 0.95)];
        return {
          'one prediction p50, ms': p50,
          'one prediction p95, ms': p95,
          'of these decoding and network p50, ms': quantile(compute, 0.5),
          'network alone p50, ms': quantile(alone, 0.5),
          'one prediction / network alone, p50': p50 / quantile(alone, 0.5),
          'batch, images/s': report.changed / seconds,
          'network alone, images/s': scenes.length / (aloneMs / 1000),
          'batch / network alone': report.changed / seconds / (scenes.length / (aloneMs / 1000)),
        };
      } finally {
        predictors.stop();
      }
    }),
};
