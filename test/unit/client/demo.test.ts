import { runDemo } from '../../../src/client/demo/index.js';
import { Capture, makeFolder } from './support/folder.js';
import { FakeService } from './support/service.js';
import { GOOD_STORY, type Story } from './support/story.js';

const ROWS = ['CLEAR', 'RAIN', 'SNOW'].map((weather, index) => ({
  file: `images/${index}.png`,
  recordedAt: '2025-11-03T18:30:00+09:00',
  country: 'Japan',
  prefecture: 'Kanagawa',
  city: 'Fujisawa',
  weather,
  timeOfDay: 'NIGHT',
  boxes: [{ category: 'TRAFFIC_LIGHT', x: 1, y: 2, width: 3, height: 4, color: 'RED' }],
}));
const FILES = {
  'manifest.jsonl': ROWS.map((row) => JSON.stringify(row)).join('\n'),
  ...Object.fromEntries(ROWS.map(({ file }, index) => [file, `picture ${index}`])),
};
const PLACE = { country: 'Japan', prefecture: 'Kanagawa', city: 'Fujisawa', timeZone: 'Asia/Tokyo' };
const PERIOD = {
  place: 0,
  weather: 'CLEAR',
  startTime: '2025-11-03T00:00:00Z',
  endTime: '2025-11-04T00:00:00Z',
};

let service: FakeService;

async function play(
  story: Story = GOOD_STORY,
  times = 1,
  leaks: unknown[] = [],
): Promise<{ code: number; out: string; err: string }> {
  service = await new FakeService(story).start();
  service.leaks = leaks;
  await using folder = await makeFolder(FILES);
  const [out, err] = [new Capture(), new Capture()];
  let code = -1;
  for (let run = 0; run < times; run++) {
    [out.text, err.text] = ['', ''];
    const demoData = { folder: folder.path, places: [PLACE], weather: [PERIOD] };
    code = await runDemo({ url: service.server.url, demoData, out, err });
  }
  return { code, out: out.text, err: err.text };
}

afterEach(() => service.server.stop());

test('says which held-out images resemble learnt ones, and leaves out what hardly matters', async () => {
  const leak = { kind: 'NEAR_DUPLICATE', known: 'TRAIN', held: 'VALIDATION', images: 3, share: 0.25 };
  const { out } = await play(GOOD_STORY, 1, [leak, { ...leak, held: 'TEST', images: 1, share: 0.004 }]);
  expect(out).toContain('near duplicate: 3 images of VALIDATION, 25 %, resemble some of TRAIN');
  expect(out).not.toContain('of TEST');
  expect(out).toContain('Accuracies on these splits are flattered');
});

test('plays six acts and leaves with 0', async () => {
  const { code, out, err } = await play();
  expect(err).toBe('');
  expect(code).toBe(0);
  if (process.env.SHOW) process.stdout.write(out);
  for (const text of [
    'project demo created',
    '3 images created',
    'data id sha256:0123abcd',
    'best epoch 3',
  ]) {
    expect(out).toContain(text);
  }
  expect(out).toContain('stopped early after 3 epochs');
  expect(out).toContain('engine wasm\n    WebAssembly with SIMD\n    cuda passed over:');
  expect(out).toContain('red read as green: 20 of 200 (10.0 %)');
  expect(out).toMatch(/1 +fog, night +0 +0 +never tested +Fujisawa, 23 · 0 h/);
  expect(out).toMatch(/2 +partly cloudy, dawn dusk +1,234 +1,234 +50\.0 % \[47\.0, 53\.0\] +–/);
  expect(out).toContain(`artifacts, under\n  ${service.server.url}/experiments/x/artifacts/\n`);
  expect(out).toMatch(/best\/model\.json +48\.2 kB +model/);
  expect(out).toContain('the 95 % intervals do not overlap');
});

test('fits 100 columns and is plain when piped', async () => {
  const { out } = await play();

  expect(out).not.toMatch(/\u001b/);
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
});

test('can be played again: everything is found where it was', async () => {
  const { code, out } = await play(GOOD_STORY, 2);
  expect(code).toBe(0);
  expect(out).toContain('project demo found again');
  expect(out).toContain('nothing new: all 3 images were there already');
  expect(out).toContain('1 place (0 new), 1 weather period (0 new)');
});

test('goes on when the socket is cut in the middle of training', async () => {
  const { code, out } = await play({ ...GOOD_STORY, cutAfter: 4 });
  expect(code).toBe(0);
  expect(out.match(/^ +2\/10 /gm)).toHaveLength(1);
});

test.each<[string, Partial<Story>, string]>([
  ['the loss did not fall', { losses: [0.5, 0.6, 0.7] }, 'the training loss did not fall'],
  ['the loss is not a number', { losses: [NaN, NaN] }, 'the training loss did not fall'],
  ['the trained weights are no better', { trained: 0.3 }, 'does not beat untrained'],
  [
    'the job failed',
    { trainingFails: { code: 'OUT_OF_MEMORY', message: 'the GPU is full' } },
    'training ended as FAILED: OUT_OF_MEMORY: the GPU is full',
  ],
])('leaves with the reason when %s', async (_what, change, reason) => {
  const { code, err } = await play({ ...GOOD_STORY, ...change });
  expect(code).toBe(1);
  expect(err).toContain(reason);
});

test('cancels its job when it is interrupted', async () => {
  service = await new FakeService({ ...GOOD_STORY, hang: true }).start();
  await using folder = await makeFolder(FILES);
  const stop = new AbortController();
  const [out, err] = [new Capture(), new Capture()];
  const demoData = { folder: folder.path, places: [PLACE], weather: [PERIOD] };
  const running = runDemo({ url: service.server.url, demoData, out, err, signal: stop.signal });
  setTimeout(() => stop.abort(), 500);
  expect(await running).toBe(130);
  expect(service.cancelled).toEqual(['training']);
  expect(err.text).toBe('demo: interrupted\n');
  expect(out.text).not.toContain('Abort');
});

test("takes a user's folder into a project of its name", async () => {
  service = await new FakeService().start();
  await using folder = await makeFolder({ 'my lights/red/a.png': 'a', 'my lights/green/b.jpg': 'b' });
  const [out, err] = [new Capture(), new Capture()];
  const images = `${folder.path}/my lights/`;
  expect(await runDemo({ url: service.server.url, homeUrl: 'http://localhost:9/', images, out, err })).toBe(
    0,
  );
  expect(out.text).toContain('project my-lights created');
  expect(out.text).toContain('http://localhost:9/experiments/x/artifacts/\n');
  expect([...service.images.values()].map(({ fileName }) => fileName)).toEqual(['green/b.jpg', 'red/a.png']);
});
