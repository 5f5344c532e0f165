/** Coverage and quality side by side are what SQL written by hand gives. */
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { stableCode } from '../graphql/support/answers.js';
import { randomImages, type RandomImages } from '../graphql/support/imageRows.js';
import { newProject, statementsOf } from '../graphql/support/world.js';
import { evaluated, type Evaluated } from './support.js';

let service: TestService;
let images: RandomImages;
let made: Evaluated;
beforeAll(async () => {
  service = await startTestService();
  images = await randomImages(service.db, 400, 11);
  // Wrong by a rule that no dimension follows exactly.
  made = await evaluated(
    service.db,
    images.project,
    ({ weather }, n) => n % 7 !== 0 && (weather !== 'FOG' || n % 2 === 0),
  );
});
afterAll(() => service.stop());

const ASK = `query ($projectId: ID!, $by: [CoverageDimension!]!, $experimentId: ID, $evaluationId: ID, $minimumN: Int! = 5) {
  coverageQuality(projectId: $projectId, by: $by, experimentId: $experimentId, evaluationId: $evaluationId, minimumN: $minimumN) {
    by total moreCells conditionsChanged evaluation { id }
    overall { metric value n lower upper method state }
    cells { keys images lights places drives quality { metric value n lower upper method state } } } }`;
const ask = (variables: object = {}) =>
  service.ask(ASK, {
    ...{ projectId: images.project.globalId, by: ['WEATHER', 'TIME_OF_DAY'] },
    ...{ evaluationId: toGlobalId('Evaluation', made.evaluationUuid), ...variables },
  });

/** By the book (Wilson 1927), written anew. */
function interval(correct: number, n: number) {
  const [z, p] = [1.959963984540054, correct / n];
  const half = z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
  const at = (sign: number) => (p + z ** 2 / (2 * n) + sign * half) / (1 + z ** 2 / n);
  return { lower: at(-1), upper: at(1) };
}

interface Shown {
  keys: (string | null)[];
  images: number;
  quality: { value: number | null; n: number; lower: number; upper: number; state: string };
}

const KEYS: Record<string, string> = {
  WEATHER: 'weather',
  TIME_OF_DAY: 'time_of_day',
  PREFECTURE: 'prefecture',
  PLACE: 'place_id',
  LIGHT_COLOR: 'color',
  LIGHT_SIZE: 'size',
  HOUR: 'hour',
};

test.each([
  [['WEATHER', 'TIME_OF_DAY']],
  [['PREFECTURE', 'LIGHT_COLOR']],
  [['LIGHT_SIZE']],
  [['PLACE', 'HOUR']],
])('by %j it agrees with SQL written by hand', async (by) => {
  const { coverageQuality: shown } = (await ask({ by })).data;
  const keys = by.map((dimension) => KEYS[dimension]).join(', ');
  const evaluatedRows: Record<string, unknown>[] = await service.db.query(
    `SELECT ${keys}, count(*)::int AS n, sum(is_right::int)::int AS correct FROM (
       SELECT i.weather, i.time_of_day, l.prefecture, i.place_id, box->>'color' AS color,
         CASE WHEN (box->>'width')::float8 < 8 THEN '<8' WHEN (box->>'width')::float8 < 16 THEN '8-16'
           WHEN (box->>'width')::float8 < 32 THEN '16-32' ELSE '>=32' END AS size,
         lpad(extract(hour FROM i.recorded_at AT TIME ZONE l.time_zone)::text, 2, '0') AS hour,
         p.predicted = p.actual AS is_right
       FROM dataset_item i LEFT JOIN place l ON l.id = i.place_id
       CROSS JOIN jsonb_array_elements(i.annotations) WITH ORDINALITY boxes(box, at)
       JOIN evaluation_prediction p ON p.sha256 = i.sha256 AND p.light = at - 1
       WHERE i.version_id = $1 AND p.evaluation_id = $2) light GROUP BY ${keys}`,
    [made.version.uuid, made.evaluationUuid],
  );
  const { coverage } = (
    await service.ask(
      `query ($projectId: ID!, $by: [CoverageDimension!]!) { coverage(projectId: $projectId, by: $by) { total cells { keys images } } }`,
      { projectId: images.project.globalId, by },
    )
  ).data;
  const key = (row: Record<string, unknown>) =>
    JSON.stringify(
      by.map((dimension) => {
        const value = row[KEYS[dimension]!] as string | null;
        return dimension === 'PLACE' && value !== null ? toGlobalId('Place', value) : value;
      }),
    );
  const expected = new Map<string, { images: number; n: number; correct: number }>();
  for (const cell of coverage.cells as Shown[])
    expected.set(JSON.stringify(cell.keys), { images: cell.images, n: 0, correct: 0 });
  for (const row of evaluatedRows)
    expected.set(key(row), {
      images: expected.get(key(row))?.images ?? 0,
      n: Number(row.n),
      correct: Number(row.correct),
    });
  expect((shown.cells as Shown[]).map(({ keys }) => JSON.stringify(keys)).sort()).toEqual(
    [...expected.keys()].sort(),
  );
  expect(evaluatedRows.length).toBeGreaterThan(2);
  for (const { keys, images: count, quality } of shown.cells as Shown[]) {
    const { images: wanted, n, correct } = expected.get(JSON.stringify(keys))!;
    expect([count, quality.n]).toEqual([wanted, n]);
    expect(quality.state).toBe(n === 0 ? 'NOT_EVALUATED' : n < 5 ? 'INSUFFICIENT_DATA' : 'OK');
    expect(quality.value).toBe(n === 0 ? null : correct / n);
    const { lower, upper } = n === 0 ? { lower: 0, upper: 1 } : interval(correct, n);
    expect(quality.lower).toBeCloseTo(lower, 12);
    expect(quality.upper).toBeCloseTo(upper, 12);
  }
  expect(shown.total).toBe(coverage.total);
});

test('a cell says whether it was evaluated, and on enough', async () => {
  const { coverageQuality: shown } = (await ask({ minimumN: 3 })).data;
  const states = new Set((shown.cells as Shown[]).map(({ quality }) => quality.state));
  expect([...states].sort()).toEqual(['INSUFFICIENT_DATA', 'NOT_EVALUATED', 'OK']);
});

test('conditions overlap in both: a light counts in each of its own, and overall once', async () => {
  const { coverageQuality: shown } = (await ask({ by: ['CONDITION'] })).data;
  const rows: { name: string | null; n: number; correct: number }[] = await service.db.query(
    `SELECT c.condition AS name, n, correct FROM evaluation_condition c WHERE evaluation_id = $1 ORDER BY position`,
    [made.evaluationUuid],
  );
  const [whole, ...named] = rows;
  expect(shown.overall).toMatchObject({
    metric: 'accuracy',
    n: whole!.n,
    value: whole!.correct / whole!.n,
    state: 'OK',
  });
  const found = new Map((shown.cells as Shown[]).map((cell) => [cell.keys[0], cell.quality]));
  for (const { name, n, correct } of named) {
    if (n > 0) expect([name, found.get(name)]).toMatchObject([name, { n, value: correct / n }]);
  }
  expect(named.some(({ n }) => n > 0)).toBe(true);
  expect(found.get(null)!.n).toBeGreaterThan(0);
});

test('a condition that was edited since is named, because its two sides speak of two filters', async () => {
  expect((await ask({ by: ['CONDITION'] })).data.coverageQuality.conditionsChanged).toEqual([]);
  await service.db.query(
    `UPDATE condition SET version = version + 1 WHERE project_id = $1 AND name = 'rain'`,
    [images.project.uuid],
  );
  expect((await ask({ by: ['CONDITION'] })).data.coverageQuality.conditionsChanged).toEqual(['rain']);
  expect((await ask({ by: ['WEATHER'] })).data.coverageQuality.conditionsChanged).toEqual([]);
});

test('an experiment stands for its newest evaluation; without one every cell says that it was never evaluated', async () => {
  const experimentId = toGlobalId('Experiment', made.experimentUuid);
  const by = { evaluationId: null, experimentId };
  expect((await ask(by)).data.coverageQuality.evaluation.id).toBe(
    toGlobalId('Evaluation', made.evaluationUuid),
  );
  await service.db.query("UPDATE evaluation SET state = 'FAILED' WHERE id = $1", [made.evaluationUuid]);
  const { coverageQuality: none } = (await ask(by)).data;
  expect(none.evaluation).toBeNull();
  expect(new Set((none.cells as Shown[]).map(({ quality }) => quality.state))).toEqual(
    new Set(['NOT_EVALUATED']),
  );
  expect(stableCode(await ask())).toBe('EVALUATION_UNFINISHED');
  await service.db.query("UPDATE evaluation SET state = 'SUCCEEDED' WHERE id = $1", [made.evaluationUuid]);
});

test('questions that cannot be meant are refused', async () => {
  const other = await newProject(service.db);
  const experimentId = toGlobalId('Experiment', made.experimentUuid);
  expect(stableCode(await ask({ experimentId }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ evaluationId: null }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ minimumN: 0 }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ projectId: other.globalId }))).toBe('NOT_FOUND');
  expect(stableCode(await ask({ projectId: other.globalId, evaluationId: null, experimentId }))).toBe(
    'OTHER_PROJECT',
  );
});

test('the statements do not become more with the cells', async () => {
  const statements = (by: string[]) => statementsOf(service.db, () => ask({ by }));
  const few = await statements(['HAS_LIGHT']);
  const many = await statements(['WEATHER', 'TIME_OF_DAY', 'SCENE', 'LIGHT_COLOR']);
  expect(many.filter((name) => name.startsWith('collect.'))).toEqual([
    // The lights were read when the first question about the evaluation was asked.
    'collect.evaluation',
  ]);
  expect(many.length).toBeLessThanOrEqual(few.length);
});
