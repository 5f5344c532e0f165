/** What to collect next, of a project of which everything is known. */
import type { Place } from '../../../src/catalog/place/place.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { createWeather } from '../../../src/catalog/weather/weatherService.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { stableCode } from '../graphql/support/answers.js';
import { light, nameOf, newImages, newPlace, newProject, statementsOf } from '../graphql/support/world.js';
import { evaluated, type Evaluated } from './support.js';

let service: TestService;
let project: Project;
let tokyo: Place;
let sapporo: Place;
let unknown: Place;
let made: Evaluated;
beforeAll(async () => {
  service = await startTestService();
  const { db } = service;
  project = await newProject(db);
  tokyo = await newPlace(db, project, { latitude: 35.65, longitude: 139.75 });
  sapporo = await newPlace(db, project, { prefecture: 'Hokkaido', latitude: 43.06, longitude: 141.35 });
  unknown = await newPlace(db, project, { prefecture: 'Aichi' });
  // CLEAR by day: 60, RAIN at night: 30, SNOW by day: 5, and some of which nobody knows the weather.
  const rows = (count: number, weather: string | null, timeOfDay: string) =>
    Array.from({ length: count }, (_, n) => ({
      ...{ label: `${weather}-${timeOfDay}-${n}`, weather, timeOfDay, place: nameOf(tokyo) },
      boxes: [light(n % 2 ? 'RED' : 'GREEN')],
    }));
  await newImages(db, project, [
    ...rows(60, 'CLEAR', 'DAY'),
    ...rows(30, 'RAIN', 'NIGHT'),
    ...rows(5, 'SNOW', 'DAY'),
    ...rows(8, null, 'DAY'),
  ] as never);
  const day = (n: number, hour: number) => new Date(Date.UTC(2024, 0, n, hour - 9));
  // In Sapporo it snows from 8 to 10 in the morning of two days of three, in Tokyo on one of six.
  for (let n = 1; n <= 30; n++) {
    await weatherPeriod(sapporo, n % 3 === 0 ? 'CLEAR' : 'SNOW', day(n, 8), day(n, 10));
    await weatherPeriod(tokyo, n % 6 === 0 ? 'SNOW' : 'CLEAR', day(n, 8), day(n, 10));
  }
  // Half of the lights in rain are called wrongly, and of the others every twentieth.
  let rainy = 0;
  made = await evaluated(db, project, ({ weather }, n) =>
    weather === 'RAIN' ? rainy++ % 2 === 0 : n % 20 !== 0,
  );
});
afterAll(() => service.stop());

const weatherPeriod = (place: Place, weatherName: string, startTime: Date, endTime: Date) =>
  createWeather(service.db, place.uuid, { weatherName, startTime, endTime } as never);

const ASK = `query ($projectId: ID!, $by: [CoverageDimension!], $evaluationId: ID!, $first: Int, $sites: Int, $weights: CollectWeightsInput, $measure: CoverageMeasure! = IMAGES) {
  collectNext(projectId: $projectId, by: $by, evaluationId: $evaluationId, first: $first, sites: $sites, weights: $weights, measure: $measure, minimumN: 10) {
    by ranked typical weights { bad uncertain rare } overall { value n lower upper method state }
    proposals { rank score { value bad uncertain rare }
      cell { keys images lights places drives quality { metric value n lower upper method state } }
      nearest { where images leavesOut }
      sites { place { id prefecture } hours { hour timeShare matchingHours observedHours } } } } }`;
const ask = (variables: object = {}) =>
  service.ask(ASK, {
    ...{ projectId: project.globalId, evaluationId: toGlobalId('Evaluation', made.evaluationUuid) },
    ...{ by: ['WEATHER', 'TIME_OF_DAY'], first: 100, sites: 5, ...variables },
  });

interface Shown {
  rank: number;
  score: { value: number; bad: number; uncertain: number; rare: number };
  cell: { keys: string[]; images: number; quality: { value: number | null; n: number; state: string } };
  nearest: { where: string; images: number; leavesOut: string[] };
  sites: {
    place: { id: string; prefecture: string };
    hours: { hour: number; timeShare: number; matchingHours: number; observedHours: number }[];
  }[];
}
const proposals = async (variables: object = {}): Promise<Shown[]> =>
  (await ask(variables)).data.collectNext.proposals;
const of = (all: Shown[], ...keys: string[]) =>
  all.find(({ cell }) => cell.keys.join() === keys.join()) as Shown;

test('every cell that could be collected is ranked, with its parts, and its score is what the schema says', async () => {
  const { collectNext } = (await ask()).data;
  const all = collectNext.proposals as Shown[];
  expect([collectNext.ranked, all.length]).toEqual([18, 18]);
  expect(collectNext.typical).toBeCloseTo(95 / 18, 12);
  expect(all.map(({ rank }) => rank)).toEqual(all.map((_, at) => at + 1));
  const scores = all.map(({ score }) => score.value);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  for (const { score } of all)
    expect(score.value).toBeCloseTo((3 * score.bad + score.uncertain + score.rare) / 5, 12);
  const rain = of(all, 'RAIN', 'NIGHT');
  expect(rain.cell.quality).toMatchObject({ n: 30, value: 0.5, state: 'OK' });
  expect(rain.score).toMatchObject({ bad: 0.5, rare: 95 / 18 / (95 / 18 + 30) });
  expect(of(all, 'CLEAR', 'DAY').rank).toBe(18);
  expect(of(all, 'SNOW', 'DAY').cell.quality.state).toBe('INSUFFICIENT_DATA');
  expect(of(all, 'FOG', 'NIGHT').cell).toMatchObject({
    images: 0,
    quality: { n: 0, value: null, state: 'NOT_EVALUATED' },
  });
  // What is failing in comes first as soon as failing is all that counts.
  const [first] = await proposals({ weights: { bad: 1, uncertain: 0, rare: 0 } });
  expect(first!.cell.keys).toEqual(['RAIN', 'NIGHT']);
});

test('a cell without images is nearest to those that agree in as much as there is', async () => {
  const all = await proposals();
  expect(of(all, 'RAIN', 'NIGHT').nearest).toMatchObject({ images: 30, leavesOut: [] });
  // Of 30 at night and 5 in snow the 5 are the more particular.
  expect(of(all, 'SNOW', 'NIGHT').nearest).toEqual({
    where: '{"weather":{"eq":"SNOW"}}',
    images: 5,
    leavesOut: ['TIME_OF_DAY'],
  });
  expect(of(all, 'FOG', 'DAWN_DUSK').nearest).toEqual({
    where: '{}',
    images: 103,
    leavesOut: ['WEATHER', 'TIME_OF_DAY'],
  });
});

test.each([
  [['WEATHER', 'LIGHT_COLOR', 'LIGHT_SIZE']],
  [['PLACE', 'HAS_LIGHT']],
  [['CONDITION', 'COUNTRY', 'PREFECTURE', 'CITY']],
  [['TIME_OF_DAY', 'MONTH', 'SCENE']],
])('by %j each `where` finds the images that it promises', async (by) => {
  const all = await proposals({ by, first: 30, sites: 0 });
  expect(all.length).toBeGreaterThan(1);
  for (const { nearest } of all) {
    const answer = await service.ok(
      `query ($projectId: ID!, $where: ImageWhere) { images(projectId: $projectId, where: $where, first: 0) { totalCount } }`,
      { projectId: project.globalId, where: JSON.parse(nearest.where) },
    );
    expect([nearest, answer.images.totalCount]).toEqual([nearest, nearest.images]);
  }
});

test('it says where and when: snow by day is in Sapporo at eight, at night nowhere that is known', async () => {
  const all = await proposals();
  const [first, second] = of(all, 'SNOW', 'DAY').sites;
  expect(first!.place).toEqual({ id: sapporo.globalId, prefecture: 'Hokkaido' });
  expect(second!.place.id).toBe(tokyo.globalId);
  const nine = first!.hours.find(({ hour }) => hour === 9)!;
  expect([nine.matchingHours, nine.observedHours]).toEqual([20, 30]);
  expect(second!.hours.find(({ hour }) => hour === 9)).toMatchObject({ matchingHours: 5, observedHours: 30 });
  expect([8, 9]).toContain(first!.hours[0]!.hour);
  for (const { hours } of of(all, 'SNOW', 'DAY').sites)
    for (const { timeShare } of hours) expect(timeShare === null || timeShare > 0).toBe(true);
  const hoursOfNight = of(all, 'FOG', 'NIGHT').sites.find(({ place }) => place.id === tokyo.globalId)!.hours;
  expect(hoursOfNight.map(({ hour }) => hour)).not.toContain(12);
  expect(hoursOfNight.map(({ hour }) => hour)).toContain(0);
  // Of the hours in which Tokyo's weather is known none had fog.
  expect(hoursOfNight.map(({ hour }) => hour)).not.toContain(8);
});

test('a place of which nobody has said where it is counts with what is known', async () => {
  const [clear] = await proposals({
    by: ['PREFECTURE', 'TIME_OF_DAY'],
    first: 1,
    weights: { bad: 0, uncertain: 0, rare: 1 },
  });
  expect(clear!.sites.every(({ hours }) => hours.length <= 24)).toBe(true);
  const aichi = of(await proposals({ by: ['PREFECTURE', 'TIME_OF_DAY'] }), 'Aichi', 'NIGHT');
  expect(aichi.sites.map(({ place }) => place.id)).toEqual([unknown.globalId]);
  expect(aichi.sites[0]!.hours.every(({ timeShare }) => timeShare === null)).toBe(true);
});

test('hours by weather are those that a clock counts, over midnight, days and a change of clocks', async () => {
  const other = await newProject(service.db);
  const place = await newPlace(service.db, other, { timeZone: 'Europe/Berlin', country: 'Germany' });
  const [start, end] = [new Date('2024-03-28T21:40:00Z'), new Date('2024-04-02T05:15:00Z')];
  await weatherPeriod(place, 'RAIN', start, end);
  await weatherPeriod(place, 'FOG', end, new Date('2024-04-02T05:30:00Z'));
  const { weatherHours } = await import('../../../src/collect/world.js');
  const found = (await weatherHours(service.db, other.uuid)).get(place.uuid)!;
  // By the local clock from 22:40 on the 28th to 7:15 on the 2nd, minute by minute.
  const expected = new Array<number>(24).fill(0);
  for (let at = Date.UTC(2024, 2, 28, 22, 40); at < Date.UTC(2024, 3, 2, 7, 15); at += 60_000)
    expected[new Date(at).getUTCHours()]! += 1 / 60;
  found.get('RAIN')!.forEach((hours, hour) => expect(hours).toBeCloseTo(expected[hour]!, 6));
  expect(found.get('FOG')!.map((hours) => Math.round(hours * 60))).toEqual(
    expected.map((_, hour) => (hour === 7 ? 15 : 0)),
  );
});

test('questions that cannot be meant are refused', async () => {
  expect(stableCode(await ask({ first: 101 }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ sites: 21 }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ weights: { bad: 0, uncertain: 0, rare: 0 } }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ weights: { bad: -1, uncertain: 0, rare: 1 } }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ by: [] }))).toBe('BAD_USER_INPUT');
});

test('the number of statements does not grow with the cells', async () => {
  const statements = (first: number, by: string[]) => statementsOf(service.db, () => ask({ first, by }));
  const one = await statements(1, ['PREFECTURE']);
  const many = await statements(100, ['WEATHER', 'TIME_OF_DAY', 'PREFECTURE']);
  expect(many.length).toBeLessThanOrEqual(one.length);
  expect(many.filter((name) => name.startsWith('collect.')).length).toBe(4);
});
