/** A job of each kind, asked for over the API: where it can be held in the middle, and what it comes to. */
import { randomBytes } from 'node:crypto';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ShingoClient } from '../../src/client/api.js';
import { uploadFile } from '../../src/client/uploadFile.js';
import { toGlobalId } from '../../src/graphql/node.js';
import { filesOfJobs } from '../../src/jobs/task/jobFile.js';
import { JobKind } from '../../src/jobs/vocabulary.js';
import { contentOf } from '../integration/datasets/importSupport.js';
import { insertDeleted } from '../support/experiments.js';
import { roads, storeHandMade, type RoadProject } from '../support/lightModel.js';
import { insertProject, type World } from './world.js';

export interface Kind {
  /** The mutation. */
  start: string;
  /** Of its payload, which job it is. */
  job?: string;
  /** For a run that nothing else has to do with. */
  input(): Promise<object>;
  /** Tables that it comes to need: while one is locked, the job stands still. None: the trainer waits at its gate. */
  needs: readonly string[];
  /** What it has come to, without ids and times. */
  outcome(job: { uuid: string; report: unknown }): Promise<unknown>;
}

export type Kinds = Record<JobKind, Kind>;

const FRAMES = 800;
const LABELS = JSON.stringify(
  Array.from({ length: FRAMES }, (_, n) => ({
    name: `${n}.jpg`,
    attributes: { weather: n % 3 ? 'rainy' : 'clear', timeofday: 'night' },
    labels: [
      {
        category: 'traffic light',
        attributes: { trafficLightColor: n % 2 ? 'red' : 'green' },
        box2d: { x1: n % 900, y1: 5, x2: (n % 900) + 9, y2: 20 },
      },
    ],
  })),
);
const IMAGES = 30;
/** Three slices of a purge. */
const EVENTS = 25_000;
export const EPOCHS = 6;

export async function createKinds(world: World, client: ShingoClient): Promise<Kinds> {
  const { db } = world;
  const service = {
    db,
    put: async (bytes: Buffer, sha256: string, mediaType: string) => {
      await client.putBlob(bytes, sha256, mediaType);
      return Response.json({});
    },
    ok: (query: string, variables?: object) => client.request<any>(query, variables as never),
  };
  const road = await roads(service as never, 'roads', IMAGES);
  const experiment = await storeHandMade(world, road);
  await client.request(
    'mutation ($id: ID!) { createEvaluationProtocol(input: { projectId: $id, name: "export", task: LIGHT_STATE, maxChangedShare: 0.2 }) { userErrors { code } } }',
    { id: road.projectId },
  );
  await db.query('UPDATE evaluation_protocol SET resamples = 100, minimum_n = 1');
  const experimentId = toGlobalId('Experiment', experiment);
  const version = toGlobalId('DatasetVersion', world.versionUuid);
  const model = toGlobalId('Model', world.modelUuid);
  const labels = join(world.dataDir, 'labels.json');
  await writeFile(labels, LABELS);
  const predictions = join(world.dataDir, 'predictions.jsonl');
  await writeFile(predictions, await answersOf(world, road));
  let runs = 0;
  let orphans: string[] = [];

  const files = async (uuid: string) =>
    (await filesOfJobs(db, [uuid]))[0]!.map(({ name, sha256 }) => [name, sha256]);
  const reportAndFiles = async ({ uuid, report }: { uuid: string; report: unknown }) => ({
    report,
    files: await files(uuid),
  });
  const cells = (where: string, uuid: string) =>
    db.query(
      `SELECT e.state, e.n, c.condition, c.metric, c.class, c.size_bin, c.value, c.n AS of, c.lower, c.upper
       FROM evaluation e LEFT JOIN evaluation_cell c ON c.evaluation_id = e.id
       WHERE e.id = (SELECT evaluation_id FROM job WHERE ${where}) ORDER BY 3, 4, 5, 6`,
      [uuid],
    );
  const upload = async (projectId: string, path: string) =>
    (await uploadFile(client, { projectId, path, mediaType: 'application/json' })).id;
  const training = { modelId: model, parameters: { epochs: EPOCHS } };

  return {
    [JobKind.TRAINING]: {
      ...{ start: 'startTraining', needs: [] },
      input: async () => ({ datasetVersionId: version, ...training }),
      outcome: ({ uuid }) =>
        db.query(
          `SELECT v.step, v.name, v.split, v.condition, v.value FROM experiment_event v JOIN job j USING (experiment_id)
           WHERE j.id = $1 AND v.kind = 'METRIC'
           UNION ALL SELECT NULL, a.path, a.kind, a.sha256, NULL FROM artifact a JOIN job j USING (experiment_id)
           WHERE j.id = $1 ORDER BY 1, 2, 3, 4`,
          [uuid],
        ),
    },
    [JobKind.EVALUATION]: {
      ...{ start: 'startEvaluation', needs: [] },
      input: async () => ({
        ...{ datasetVersionId: version, split: 'TEST', weights: 'BEST' },
        experimentId: toGlobalId('Experiment', await trained(world)),
      }),
      outcome: ({ uuid }) => cells('id = $1', uuid),
    },
    [JobKind.IMPORT]: {
      ...{ start: 'startImport', needs: ['image', 'annotation'] },
      input: async () => {
        const projectId = toGlobalId('Project', await insertProject(db));
        return { projectId, uploadId: await upload(projectId, labels) };
      },
      outcome: async ({ uuid, report }) => {
        const [{ project_id: project }] = await db.query('SELECT project_id FROM job WHERE id = $1', [uuid]);
        return { report, content: await contentOf(db, project) };
      },
    },
    [JobKind.EXPORT]: {
      ...{ start: 'startExport', needs: ['dataset_item', 'job_file'] },
      input: async () => ({ datasetVersionId: road.versionId, format: 'COCO', pictures: true }),
      outcome: reportAndFiles,
    },
    [JobKind.ENRICHMENT]: {
      ...{ start: 'startEnrichment', needs: ['image', 'picture'] },
      input: async () => {
        const forget = 'darkness_sensor = NULL, brightness = NULL, time_of_day_sensor = NULL';
        await db.query(`UPDATE image SET ${forget} WHERE project_id = $1`, [road.projectUuid]);
        return { projectId: road.projectId, kind: 'DARKNESS' };
      },
      outcome: async ({ report }) => ({
        report,
        images: await db.query(
          'SELECT file_name, darkness_sensor, brightness, time_of_day_sensor FROM image WHERE project_id = $1 ORDER BY 1',
          [road.projectUuid],
        ),
      }),
    },
    [JobKind.NEAR_DUPLICATES]: {
      ...{ start: 'startDuplicateSearch', needs: ['picture', 'job_file'] },
      input: async () => ({ projectId: road.projectId }),
      outcome: reportAndFiles,
    },
    [JobKind.PREDICTIONS]: {
      ...{ start: 'importPredictions', needs: ['dataset_item', 'evaluation_cell'] },
      input: async () => ({
        ...{
          datasetVersionId: road.versionId,
          split: 'TEST',
          task: 'LIGHT_STATE',
          format: 'JSONL',
          name: 'theirs',
        },
        modelId: await client
          .mutate<{ model: { id: string } }>(
            'mutation ($input: CreateModelInput!) { createModel(input: $input) { model { id } userErrors { code } } }',
            { projectId: road.projectId, name: `theirs ${(runs += 1)}` },
          )
          .then((made) => made.model.id),
        uploadId: await upload(road.projectId, predictions),
      }),
      outcome: ({ uuid }) => cells('id = $1', uuid),
    },
    [JobKind.MODEL_EXPORT]: {
      ...{ start: 'startModelExport', needs: ['dataset_item', 'job_file'] },
      input: async () => ({ experimentId, variants: ['LAYERS'], maxChangedShare: 0.2, sample: IMAGES }),
      outcome: async ({ uuid, report }) => ({ report, files: (await files(uuid)).map(([name]) => name) }),
    },
    [JobKind.BATCH_PREDICTION]: {
      ...{ start: 'startBatchPrediction', needs: ['annotation', 'image'] },
      input: async () => {
        await db.query(
          "DELETE FROM annotation a USING image i WHERE i.id = a.image_id AND i.project_id = $1 AND a.source = 'MODEL'",
          [road.projectUuid],
        );
        return { experimentId };
      },
      outcome: async ({ report }) => ({
        report,
        read: await db.query(
          `SELECT i.file_name, a.x, a.y, a.color, a.score FROM annotation a JOIN image i ON i.id = a.image_id
           WHERE i.project_id = $1 AND a.source = 'MODEL' ORDER BY 1, 2, 3`,
          [road.projectUuid],
        ),
      }),
    },
    [JobKind.GATE]: {
      ...{ start: 'startPipeline', job: 'gate', needs: ['model_version', 'model_alias'] },
      input: async () => ({
        ...{ datasetVersionId: version, training, evaluation: { split: 'TEST', weights: 'BEST' } },
        gate: { alias: 'candidate', reason: 'nightly' },
      }),
      outcome: async ({ uuid, report }) => ({
        verdict: (report as { verdict: string }).verdict,
        // One version of this experiment, however often it was made.
        versions: await db.query(
          `SELECT count(*)::int AS n FROM model_version v JOIN job j ON j.id = $1
           WHERE v.experiment_id = (j.input->>'experimentUuid')::uuid`,
          [uuid],
        ),
      }),
    },
    [JobKind.PURGE]: {
      ...{ start: 'startPurge', needs: ['experiment_event', 'experiment_tag'] },
      input: async () => {
        const projectUuid = await insertProject(db);
        const deleted = await insertDeleted(db, projectUuid, EVENTS);
        const projectId = toGlobalId('Project', projectUuid);
        return { projectId, experimentIds: [toGlobalId('Experiment', deleted)] };
      },
      outcome: async ({ uuid, report }) => ({
        report,
        left: await db.query(
          `SELECT (SELECT count(*)::int FROM experiment e WHERE e.project_id = j.project_id) AS experiments,
             (SELECT count(*)::int FROM experiment_event v WHERE v.experiment_id::text = j.input->'experimentUuids'->>0) AS events
           FROM job j WHERE j.id = $1`,
          [uuid],
        ),
      }),
    },
    [JobKind.ORPHANS]: {
      ...{ start: 'startOrphanCollection', needs: ['picture', 'blob_removal'] },
      input: async () => {
        orphans = await Promise.all(Array.from({ length: 20 }, () => oldBlob(world)));
        return { projectId: toGlobalId('Project', world.project) };
      },
      outcome: async ({ report }) => {
        const { removed, bytes } = report as { removed: number; bytes: number };
        const left = await Promise.all(orphans.map((sha256) => world.blobs.has(sha256)));
        return { removed, bytes, left: left.filter(Boolean).length };
      },
    },
  };
}

/** That nothing refers to, and that nobody has written to lately. */
export async function oldBlob({ blobs }: Pick<World, 'blobs'>): Promise<string> {
  const { sha256 } = await blobs.receive(Readable.from([randomBytes(100)]), { maxBytes: 100 });
  const then = new Date(Date.now() - 48 * 3_600_000);
  await utimes(blobs.path(sha256), then, then);
  return sha256;
}

/** An experiment that the scripted trainer has trained. */
async function trained({ db }: World): Promise<string> {
  const [row]: { id: string }[] = await db.query(
    `SELECT e.id FROM experiment e JOIN job j ON j.experiment_id = e.id AND j.kind = 'TRAINING'
     WHERE e.state = 'SUCCEEDED' ORDER BY e.id LIMIT 1`,
  );
  if (!row) throw new Error('An evaluation is of a training that has succeeded before.');
  return row.id;
}

/** Two of three are right. */
async function answersOf({ db }: World, { versionUuid }: RoadProject): Promise<string> {
  const rows: { sha256: string; color: string }[] = await db.query(
    `SELECT sha256, annotations->0->>'color' AS color FROM dataset_item WHERE version_id = $1 ORDER BY sha256`,
    [versionUuid],
  );
  return rows
    .map(({ sha256, color }, n) => {
      const said = n % 3 ? color : color === 'RED' ? 'GREEN' : 'RED';
      return `${JSON.stringify({ id: `${sha256}:0`, class: said, score: 0.9 })}\n`;
    })
    .join('');
}
