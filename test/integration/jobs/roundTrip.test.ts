/** Import → export → import, all by jobs: what comes back is what went in, but for what the losses say. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShingoClient } from '../../../src/client/api.js';
import { download } from '../../../src/client/download.js';
import { importByJob } from '../../../src/client/import/byJob.js';
import { ensureProject } from '../../../src/client/projects.js';
import { runTask } from '../../../src/client/tasks.js';
import { Progress } from '../../../src/client/terminal/progress.js';
import { startTestService, type TestService } from '../../support/service.js';
import { SHARED_DATA } from '../../unit/picture/files.js';

let service: TestService;
let client: ShingoClient;
let folder: string;
beforeAll(async () => {
  service = await startTestService({ worker: true });
  client = new ShingoClient({ url: service.url });
  folder = await mkdtemp(join(tmpdir(), 'shingo-round-'));
});
afterAll(async () => {
  await client.close();
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

async function imported(project: string, source: string) {
  const made = await ensureProject(client, project);
  const job = { source, project: made, format: 'auto' as const, lenient: false };
  return importByJob(client, job, new Progress());
}

/** All images of the project, in splits or all in one. */
async function versioned(
  project: string,
  shares: [number, number, number],
): Promise<{ id: string; dataId: string }> {
  const [train, validation, test] = shares;
  const { createDataset } = await service.ok(
    'mutation ($p: ID!) { createDataset(input: { projectId: $p, name: "all" }) { dataset { id } userErrors { code message } } }',
    { p: project },
  );
  const { createDatasetVersion } = await service.ok(
    `mutation ($id: ID!) { createDatasetVersion(input: { datasetId: $id, train: ${train}, validation: ${validation}, test: ${test}, maxLeakShare: 1 }) {
       datasetVersion { id dataId } userErrors { code message } } }`,
    { id: createDataset.dataset.id },
  );
  return createDatasetVersion.datasetVersion;
}

interface Lost {
  losses: { what: string; images: number; boxes: number }[];
}

async function exported(project: string, datasetVersionId: string, format: string) {
  const { report, files } = await runTask<Lost>(client, {
    ...{ projectId: project, start: 'startExport', input: { datasetVersionId, format } },
    report: { type: 'ExportReport', fields: 'losses { what images boxes }' },
  });
  const path = join(folder, `${project}-${format}.zip`);
  await download(client, files[0]!, path);
  return {
    path,
    lost: report.losses.filter(({ images, boxes }) => images + boxes > 0).map(({ what }) => what),
  };
}

/** By file name; nothing in it is made anew by each import. */
const contentOf = (project: string): Promise<Record<string, unknown>[]> =>
  service.db.query(
    `SELECT i.file_name, i.weather_label, i.time_of_day_label, i.scene_label, i.recorded_at, i.latitude, i.longitude,
       i.drive, i.counts_source, coalesce((SELECT jsonb_agg(box ORDER BY box::text) FROM (
         SELECT to_jsonb(a) - '{id,image_id,created_at}'::text[] AS box FROM annotation a WHERE a.image_id = i.id) b), '[]') AS boxes
     FROM image i JOIN project p ON p.id = i.project_id WHERE p.name = $1 ORDER BY i.file_name`,
    [project],
  );

const frames = JSON.stringify(
  Array.from({ length: 40 }, (_, n) => ({
    name: `${n % 4}/${n}.jpg`,
    attributes: {
      weather: ['rainy', 'clear', 'foggy', 'undefined'][n % 4],
      timeofday: 'night',
      scene: 'tunnel',
    },
    ...(n === 7
      ? {}
      : {
          labels:
            n === 8
              ? []
              : [
                  {
                    category: 'traffic light',
                    attributes: { trafficLightColor: n % 2 ? 'red' : 'G', occluded: true, truncated: false },
                    box2d: { x1: 10 + n / 3, y1: 11, x2: 19 + n / 3, y2: 30.25 },
                  },
                  { category: 'car', box2d: { x1: 0.1, y1: 0.2, x2: 100.7, y2: 50 } },
                ],
        }),
  })),
);

test.each(['SCALABEL', 'COCO'])('%s: what was imported comes back, from every split', async (format) => {
  const [from, to] = [`from-${format}`, `to-${format}`];
  const file = join(folder, `${format}.json`);
  await writeFile(file, frames);
  await imported(from, file);
  const version = await versioned(from, [0.5, 0.25, 0.25]);
  const { path, lost } = await exported(from, version.id, format);
  expect(await imported(to, path)).toMatchObject({ frames: 40, created: 40, leftOut: [], unknown: [] });
  const [went, came] = [await contentOf(from), await contentOf(to)];
  expect(went).toHaveLength(40);
  // What the format has no place for is named, and only that is missing.
  const without = (row: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(row).filter(([name]) => !lost.some((what) => name.startsWith(snake(what)))),
    );
  expect(came.map(without)).toEqual(went.map(without));
  const again = await exported(to, (await versioned(to, [0.5, 0.25, 0.25])).id, format);
  expect(again.lost).toEqual(lost);
});

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const bosch = join(SHARED_DATA, 'bosch', 'train.yaml');
const real = await stat(bosch).then(
  () => test,
  () => test.skip,
);

const came = { frames: 5093, created: 5093, annotations: 10756, leftOut: [] };

real(
  'COCO: the labels of Bosch Small Traffic Lights come back bit for bit, with the same data id',
  async () => {
    expect(await imported('bosch', bosch)).toMatchObject(came);
    const version = await versioned('bosch', [1, 0, 0]);
    const { path } = await exported('bosch', version.id, 'COCO');
    expect(await imported('bosch-coco', path)).toMatchObject(came);
    expect(await contentOf('bosch-coco')).toEqual(await contentOf('bosch'));
    expect((await versioned('bosch-coco', [1, 0, 0])).dataId).toBe(version.dataId);
  },
  // 12 s on an idle machine with 2 cores.
  90_000,
);

interface Box {
  x: number;
  width: number;
  height: number;
  color: string;
}

real(
  'SCALABEL: they come back but for what the losses say: arrows, off, and a last bit of some sizes',
  async () => {
    const [{ id }] = (await service.ok(`{ datasetVersions(projectId: "bosch") { nodes { id } } }`))
      .datasetVersions.nodes;
    const { path, lost } = await exported('bosch', id, 'SCALABEL');
    expect(lost).toEqual(['arrows', 'label', 'color', 'width, height'].filter((what) => lost.includes(what)));
    expect(lost).toEqual(expect.arrayContaining(['arrows', 'color']));
    expect(await imported('bosch-scalabel', path)).toMatchObject(came);
    const rough = (boxes: Box[]) =>
      boxes
        .map((box) => ({
          ...box,
          ...{ arrows: null, color: box.color === 'OFF' ? 'UNKNOWN' : box.color },
          ...{ width: box.width.toFixed(9), height: box.height.toFixed(9) },
        }))
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const plain = (rows: Record<string, unknown>[]) =>
      rows.map((row) => ({ ...row, boxes: rough(row.boxes as Box[]) }));
    expect(plain(await contentOf('bosch-scalabel'))).toEqual(plain(await contentOf('bosch')));
  },
);

real('the labels of Bosch Small Traffic Lights, counted in the catalog', async () => {
  const rows: { color: string; arrows: string[]; n: number }[] = await service.db.query(
    `SELECT a.color, a.arrows, count(*)::int AS n FROM annotation a JOIN image i ON i.id = a.image_id
     JOIN project p ON p.id = i.project_id WHERE p.name = 'bosch' GROUP BY 1, 2`,
  );
  const count = (color: string, ...arrows: string[]) =>
    rows.find((row) => row.color === color && row.arrows.join() === arrows.join())?.n;
  // domain.md: Green 5,207, Red 3,057, RedLeft 1,092, off 726, Yellow 444, GreenLeft 178, others 52.
  expect([
    count('GREEN'),
    count('RED'),
    count('RED', 'LEFT'),
    count('OFF'),
    count('YELLOW'),
    count('GREEN', 'LEFT'),
  ]).toEqual([5207, 3057, 1092, 726, 444, 178]);
  expect(rows.reduce((sum, { n }) => sum + n, 0)).toBe(10756);
  const [{ empty }] = await service.db.query(
    `SELECT count(*)::int AS empty FROM image i JOIN project p ON p.id = i.project_id
     WHERE p.name = 'bosch' AND i.traffic_lights = 0`,
  );
  expect(empty).toBe(1940);
});
