/** The operations of docs/use.md work as they stand there, on one small project. */
import { readFile } from 'node:fs/promises';
import { toGlobalId } from '../../../src/graphql/node.js';
import { createModelVersion } from '../../../src/models/version/versionService.js';
import { predictors } from '../../../src/use/predict/predictors.js';
import { storeAnswers } from '../../support/evaluation.js';
import { CLASSES, roads, storeHandMade } from '../../support/lightModel.js';
import { startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let operations: [name: string, text: string][];
let image: string;
beforeAll(async () => {
  service = await startTestService({ worker: true });
  const { db } = service;
  const project = await roads(service, 'roads', 60);
  const experimentUuid = await storeHandMade(service.services, project);
  const [{ model_id: modelUuid }] = await db.query('SELECT model_id FROM experiment WHERE id = $1', [
    experimentUuid,
  ]);
  await db.query("UPDATE model SET name = 'lights' WHERE id = $1", [modelUuid]);
  // Half of the pictures are of rain; the data set version was made before and says nothing of it.
  await db.query(
    "UPDATE image SET weather_label = 'RAIN', time_of_day_label = 'NIGHT' WHERE file_name ~ '[0-4]\\.png'",
  );
  await db.query("UPDATE dataset_item SET weather = 'CLEAR', time_of_day = 'DAY'");
  const items: { sha256: string; color: string }[] = await db.query(
    "SELECT sha256, annotations->0->>'color' AS color FROM dataset_item",
  );
  await storeAnswers(
    db,
    { ...project, modelUuid, experimentUuid, classes: CLASSES },
    items.map(({ sha256, color }) => {
      const label = CLASSES.indexOf(color);
      return {
        id: `${sha256}:0`,
        label,
        predicted: label,
        scores: CLASSES.map((_, at) => (at === label ? 0.99 : 0.01)),
      };
    }),
  );
  await createModelVersion(service.services, 'test', { modelUuid, experimentUuid });
  const [{ id }] = await db.query("SELECT id FROM image WHERE file_name = '1.png'");
  image = toGlobalId('Image', id as string);
  const page = await readFile('docs/use.md', 'utf8');
  operations = [...page.matchAll(/^```graphql\n((?:mutation|query) (\w+).*?)^```/gms)].map(
    ([, text, name]) => [name as string, text as string],
  );
});
afterAll(async () => {
  predictors.stop();
  await service.stop();
});

async function ended(
  id: string,
): Promise<{ state: string; report: Record<string, any>; files: { name: string }[] }> {
  const JOB = `query ($id: ID!) { job(id: $id) { state files { name }
    report { ... on ModelExportReport { variants { variant verdict } evaluation { n changed } }
             ... on BatchPredictionReport { images changed lights { color count } } } } }`;
  for (;;) {
    const { job } = await service.ok(JOB, { id });
    if (['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(job.state)) return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('each of them is done, and says what the page says of it', async () => {
  const answers: Record<string, any> = {};
  for (const [name, text] of operations) answers[name] = await service.ok(text, { image });
  expect(Object.keys(answers)).toEqual(['SideBySide', 'Next', 'Bound', 'Export', 'Ask', 'Batch']);

  const { cells, overall, evaluation } = answers.SideBySide.coverageQuality;
  expect([overall.metric, overall.n, overall.value, evaluation.split]).toEqual(['accuracy', 60, 1, 'TEST']);
  const cellOf = (...keys: (string | null)[]) => cells.find((cell: any) => cell.keys.join() === keys.join());
  // Evaluated as clear days; there are rainy nights of which nothing was evaluated.
  expect(cellOf('CLEAR', 'DAY')).toMatchObject({ images: 0, quality: { n: 60, state: 'OK' } });
  expect(cellOf('RAIN', 'NIGHT').quality).toEqual({
    value: null,
    n: 0,
    lower: 0,
    upper: 1,
    state: 'NOT_EVALUATED',
  });

  const { ranked, proposals } = answers.Next.collectNext;
  expect([ranked, proposals.length]).toEqual([18, 5]);
  expect(proposals[0].score.value).toBeGreaterThanOrEqual(proposals[4].score.value);

  expect(answers.Ask.predict.lights).toMatchObject([{ color: 'RED', box: { x: 10, y: 10 } }]);

  const exported = await ended(answers.Export.startModelExport.job.id);
  expect(exported).toMatchObject({ state: 'SUCCEEDED', report: { evaluation: { n: 60, changed: 0 } } });
  expect(exported.report.variants.map((one: any) => one.verdict)).toEqual(['OK', 'OK', 'OK']);
  expect(exported.files).toHaveLength(1);
  const batch = await ended(answers.Batch.startBatchPrediction.job.id);
  const [{ n }] = await service.db.query("SELECT count(*)::int AS n FROM image WHERE weather = 'RAIN'");
  expect(batch).toMatchObject({ state: 'SUCCEEDED', report: { images: n, changed: n } });
});
