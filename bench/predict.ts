/** Using a model: one prediction over the API, and many by the batch, against the network alone on the same tensors. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { EntityManager } from 'typeorm';
import type { Services } from '../src/graphql/context.js';
import { restoreFiles } from '../src/jobs/worker/files.js';
import { startEngine } from '../src/training/engines/index.js';
import { inputBatch } from '../src/training/input/batches.js';
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

const PREDICT = `query ($experimentId: ID!, $imageId: ID!) {
  predict(experimentId: $experimentId, imageId: $imageId) { computeMilliseconds lights { color score } } }`;

async function scenesOf(ask: Ask): Promise<Scene[]> {
  const { images } = await ask(
    `query { images(projectId: "scenes", first: 100, where: { trafficLights: { gt: 0 } }) {
       nodes { id sha256 annotations { id category x y width height } } } }`,
    {},
  );
  return images.nodes.map((image: any) => ({
    ...{ imageId: image.id, sha256: image.sha256 },
    lights: image.annotations.filter(({ category }: any) => category === 'TRAFFIC_LIGHT'),
  }));
}

/** Milliseconds and answers of the network alone, on the tensors of each scene's lights. */
async function bareRun(services: Services, { experimentUuid }: LightScenes, scenes: Scene[], runs: number) {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  const engine = await startEngine('wasm');
  try {
    await restoreFiles(services.blobs, (await modelSource(services.db, experimentUuid)).files, folder);
    const { model, classes, preprocessing } = await loadModel(folder);
    const tensors: tf.Tensor4D[] = [];
    for (const { sha256, lights } of scenes) {
      const file = services.blobs.path(sha256);
      const samples = lights.map((box, at) => ({
        ...{ id: String(at), file, box, label: 0, split: 'TEST' as const, conditions: [] },
      }));
      const pictures = await loadPictures(samples, preprocessing);
      tensors.push(inputBatch(pictures, Uint32Array.from(samples.keys()), preprocessing));
    }
    const colors: string[][] = [];
    const once = async (n: number) => {
      const output = model.predict(tensors[n % tensors.length]!) as tf.Tensor2D;
      const scores = (await output.array()) as number[][];
      colors[n % tensors.length] = scores.map((row) => classes[row.indexOf(Math.max(...row))]!);
      output.dispose();
    };
    const taken = await timed(runs, (n) => once((n + scenes.length) % scenes.length), 4);
    const whole = await timed(1, async () => {
      for (let n = 0; n < scenes.length; n++) await once(n);
    });
    return { taken, colors, allMs: whole[0]! };
  } finally {
    await engine.release();
    await rm(folder, { recursive: true, force: true });
  }
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
    'batch, images/s': { min: 20 },
  },
  run: ({ images = 60, runs = 200 }, say) =>
    withService(async ({ url, services }) => {
      const ask: Ask = async (query, variables) => {
        const answer = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        });
        const { data, errors } = (await answer.json()) as { data: unknown; errors?: unknown };
        if (errors) throw new Error(JSON.stringify(errors));
        return data;
      };
      try {
        const made = await lightScenes(url, services, ask, images);
        const scenes = await scenesOf(ask);
        const lights = scenes.reduce((sum, scene) => sum + scene.lights.length, 0);
        say(
          `${scenes.length} scenes of 1280 × 720 with ${lights} lights; MobileNetV2 α 0.35 at 32 px on wasm`,
        );
        const sceneOf = (n: number) => scenes[(n + scenes.length) % scenes.length]!;
        const compute: number[] = [];
        const answers = new Map<string, string[]>();
        const taken = await timed(
          runs,
          async (n) => {
            const { imageId } = sceneOf(n);
            const { predict } = await ask(PREDICT, { experimentId: made.experimentId, imageId });
            if (n >= 0) compute.push(predict.computeMilliseconds);
            answers.set(
              imageId,
              predict.lights.map(({ color }: { color: string }) => color),
            );
          },
          4,
        );
        const bare = await bareRun(services, made, scenes, runs);
        scenes.forEach(({ imageId }, at) => {
          const own = answers.get(imageId);
          if (own && JSON.stringify(own) !== JSON.stringify(bare.colors[at]))
            throw new Error(
              `Over the API ${own.join()} was predicted, by the network alone ${bare.colors[at]!.join()}.`,
            );
        });
        const { report, seconds } = await batchRun(services, made);
        if (report.changed !== scenes.length)
          throw new Error(`${report.changed} images of ${scenes.length} were predicted.`);
        const [p50, p95] = [quantile(taken, 0.5), quantile(taken, 0.95)];
        return {
          'one prediction p50, ms': p50,
          'one prediction p95, ms': p95,
          'of these decoding and network p50, ms': quantile(compute, 0.5),
          'network alone p50, ms': quantile(bare.taken, 0.5),
          'one prediction / network alone, p50': p50 / quantile(bare.taken, 0.5),
          'batch, images/s': report.changed / seconds,
          'network alone, images/s': scenes.length / (bare.allMs / 1000),
          'batch / network alone': report.changed / seconds / (scenes.length / (bare.allMs / 1000)),
        };
      } finally {
        predictors.stop();
      }
    }),
};
