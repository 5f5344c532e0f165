import picocolors from 'picocolors';

import { Curves, epochLine, lossChart, stretch } from '../../../src/client/demo/curves.js';
import {
  confusionTable,
  countsTable,
  coverageTable,
  redAsGreen,
  scoresTable,
} from '../../../src/client/demo/tables.js';
import { judgeLoss, judgeScores } from '../../../src/client/demo/verdict.js';
import { bytes, duration, percent, perSecond } from '../../../src/client/terminal/format.js';
import { Progress } from '../../../src/client/terminal/progress.js';
import { Capture } from './support/folder.js';

const plain = picocolors.createColors(false);
const color = picocolors.createColors(true);
const cells = (line: string) => line.trim().split(/ {2,}/);
const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));

describe('tables', () => {
  test('coverage: every weather and time, gaps as 0, a missing row and column only where there are any', () => {
    const known = [
      { keys: ['CLEAR', 'DAY'], images: 1200, lights: 3400 },
      { keys: ['RAIN', 'NIGHT'], images: 30, lights: 45 },
    ];
    const table = coverageTable(known, plain).split('\n');
    expect(cells(table[0]!)).toEqual(['images / lights', 'day', 'dawn dusk', 'night', 'total']);
    expect(cells(table[2]!)).toEqual(['clear', '1,200 / 3,400', '0', '0', '1,200 / 3,400']);
    expect(table.map((line) => cells(line)[0])).not.toContain('missing');
    expect(cells(table.at(-1)!)).toEqual(['total', '1,200 / 3,400', '0', '30 / 45', '1,230 / 3,445']);
    const gaps = coverageTable([...known, { keys: [null, null], images: 7, lights: 0 }], plain).split('\n');
    expect(cells(gaps[0]!).at(-2)).toBe('missing');
    expect(cells(gaps.at(-2)!)).toEqual(['missing', '0', '0', '0', '7 / 0', '7 / 0']);
  });

  test('fit 100 columns with six-figure numbers, and numbers stand flush right', () => {
    const keys = ['CLEAR', 'RAIN', null].flatMap((a) =>
      ['DAY', 'NIGHT', 'UNDEFINED', null].map((b) => [a, b]),
    );
    const table = coverageTable(
      keys.map((key) => ({ keys: key, images: 9_999, lights: 99_999 })),
      plain,
    );
    expect(widest(table)).toBeLessThanOrEqual(98);
    const ends = table
      .split('\n')
      .slice(2)
      .map((line) => line.length);
    expect(new Set(ends).size).toBe(1);
  });

  test('counts by condition and split', () => {
    const table = countsTable(
      [
        { condition: 'rain', split: 'TEST', images: 3, lights: 5 },
        { condition: null, split: 'TRAIN', images: 9, lights: 9 },
      ],
      plain,
    );
    expect(table.split('\n').slice(2).map(cells)).toEqual([
      ['all', '9 / 9', '0', '0'],
      ['rain', '0', '0', '3 / 5'],
    ]);
  });

  const score = (condition: string | null, n: number, accuracy: number | null) => ({
    condition,
    n,
    correct: 0,
    accuracy,
    lower: accuracy && accuracy - 0.05,
    upper: accuracy && accuracy + 0.05,
    method: 'WILSON',
    confusion: [],
  });

  test('scores: untrained beside trained, all first, nothing claimed without lights', () => {
    const trained = [
      score('snow', 0, null),
      score('rain', 40, 0.9),
      score(null, 90, 0.8),
      score('sunny', 50, 0.7),
    ];
    const rows = scoresTable(trained, [score(null, 90, 0.3), score('rain', 40, 0.2)], plain)
      .split('\n')
      .slice(2)
      .map(cells);
    expect(rows).toEqual([
      ['all', '90', '80.0 %', '[75.0, 85.0]', '30.0 %', '[25.0, 35.0]'],
      ['sunny', '50', '70.0 %', '[65.0, 75.0]', '–'],
      ['rain', '40', '90.0 %', '[85.0, 95.0]', '20.0 %', '[15.0, 25.0]'],
      ['snow', '0', '–', '–'],
    ]);
  });

  test('confusion: red read as green stands out', () => {
    const confusion = [
      { actual: 'RED', predicted: 'RED', count: 8 },
      { actual: 'RED', predicted: 'GREEN', count: 2 },
      { actual: 'GREEN', predicted: 'GREEN', count: 5 },
    ];
    const all = { ...score(null, 15, 0.9), confusion };
    expect(confusionTable(all, ['RED', 'GREEN'], plain).split('\n').slice(2).map(cells)).toEqual([
      ['red', '8', '2 !', '10'],
      ['green', '0', '5', '5'],
    ]);
    expect(confusionTable(all, ['RED', 'GREEN'], color)).toContain(color.bold(color.red('2 !')));
    expect(redAsGreen(all)).toEqual({ count: 2, of: 10 });
  });
});

describe('verdicts', () => {
  test.each<[string, number[], boolean]>([
    ['falls', [1, 0.5, 0.7], true],
    ['rises', [0.5, 0.6], false],
    ['stays', [0.5, 0.5], false],
    ['is there once', [0.5], false],
    ['is never there', [], false],
    ['begins as NaN', [NaN, 0.5], false],
    ['becomes NaN after it fell', [1, 0.5, NaN], true],
    ['is NaN at once after the first', [1, NaN, NaN], false],
  ])('a loss that %s', (_what, losses, ok) => expect(judgeLoss(losses).ok).toBe(ok));

  const at = (accuracy: number | null, n = 100, half = 0.05) => ({
    n,
    accuracy,
    lower: accuracy === null ? null : accuracy - half,
    upper: accuracy === null ? null : accuracy + half,
  });

  test('trained must be better than untrained, and overlap is said', () => {
    expect(judgeScores(at(0.9), at(0.3))).toMatchObject({
      ok: true,
      note: 'the 95 % intervals do not overlap',
    });
    expect(judgeScores(at(0.4, 20, 0.2), at(0.3, 20, 0.2))).toMatchObject({ ok: true });
    expect(judgeScores(at(0.4, 20, 0.2), at(0.3, 20, 0.2)).note).toContain('overlap: on this many lights');
    expect(judgeScores(at(0.3), at(0.3)).ok).toBe(false);
    expect(judgeScores(at(0.2), at(0.3)).ok).toBe(false);
    expect(judgeScores(at(null, 0), at(null, 0)).ok).toBe(false);
  });
});

describe('curves', () => {
  const metric = (step: number, name: string, split: 'TRAIN' | 'VALIDATION', value: number | 'NaN') => ({
    __typename: 'MetricEvent' as const,
    seq: 1,
    time: '',
    step,
    name,
    split,
    value,
    n: 10,
    lower: null,
    upper: null,
  });

  test('one line an epoch, and the best is marked', () => {
    const curves = new Curves();
    for (const [step, loss] of [
      [1, 1],
      [2, 0.5],
      [3, 0.7],
    ] as const) {
      curves.add(metric(step, 'loss', 'VALIDATION', loss));
      curves.add(metric(step, 'loss', 'TRAIN', loss));
      curves.add(metric(step, 'accuracy', 'TRAIN', 0.5));
      expect(curves.isComplete(step)).toBe(false);
      curves.add(metric(step, 'accuracy', 'VALIDATION', 0.25));
      expect(curves.isComplete(step)).toBe(true);
    }
    expect(cells(epochLine(curves, 2, 10, plain))).toEqual([
      '2/10',
      '0.5000',
      '0.5000',
      '50.0 %',
      '25.0 %',
      'best so far',
    ]);
    expect(epochLine(curves, 3, 10, plain)).not.toContain('best');
  });

  test('the chart: two lines in colour, two pictures without, none of one epoch or of NaN', () => {
    const curves = new Curves();
    curves.add(metric(1, 'loss', 'TRAIN', 1));
    expect(lossChart(curves, plain)).toBeUndefined();
    curves.add(metric(2, 'loss', 'TRAIN', 'NaN'));
    expect(lossChart(curves, plain)).toBeUndefined();
    curves.add(metric(3, 'loss', 'TRAIN', 0.5));
    curves.add(metric(1, 'loss', 'VALIDATION', 1.2));
    curves.add(metric(3, 'loss', 'VALIDATION', 0.6));
    expect(lossChart(curves, plain)).toMatch(/training loss\n[^]*validation loss\n/);
    const colored = lossChart(curves, color)!;
    expect(colored).toContain('\u001b[36m');
    expect(colored).toContain('\u001b[33m');
    expect(widest(lossChart(curves, plain)!)).toBeLessThanOrEqual(98);
  });

  test('few epochs are stretched over the width, their ends kept', () => {
    expect(stretch([1, 0], 5)).toEqual([1, 0.75, 0.5, 0.25, 0]);
    expect(stretch([1], 5)).toEqual([1]);
    expect(stretch([1, 2, 3], 2)).toEqual([1, 2, 3]);
  });
});

describe('progress', () => {
  const state = { label: 'import', done: 500, total: 1000, perSecond: 58.4, secondsLeft: 8.2 };

  test('is plain lines, and few, where nobody looks', () => {
    const stream = new Capture();
    const progress = new Progress(stream, 0);
    progress.update(state);
    expect(stream.text).toBe('  import: 500/1,000, 58 images/s, 0:09 left\n');
    const slow = new Progress(stream, 60_000);
    slow.update(state);
    slow.stop();
    expect(stream.text.split('\n')).toHaveLength(2);
  });

  test('is a bar on a terminal that makes room for lines', () => {
    const stream = Object.assign(new Capture(), {
      isTTY: true,
      cursorTo() {},
      clearLine() {},
      clearScreenDown() {},
      moveCursor() {},
    });
    const progress = new Progress(stream);
    progress.update(state);
    progress.aside(() => stream.write('a line\n'));
    progress.stop();
    expect(stream.text).toContain('500/1,000 · 58 images/s · 0:09 left');
    expect(stream.text).toContain('a line\n');
  });
});

test('numbers, sizes and times', () => {
  expect([bytes(999), bytes(48_213), bytes(999_999), bytes(2_500_000_000)]).toEqual([
    '999 B',
    '48.2 kB',
    '1.0 MB',
    '2.5 GB',
  ]);
  expect([duration(41.2), duration(3_723), duration(null), duration(Infinity)]).toEqual([
    '0:42',
    '1:02:03',
    '–',
    '–',
  ]);
  expect([percent(0.5), percent(null), percent(NaN)]).toEqual(['50.0 %', '–', '–']);
  expect([perSecond(5.25), perSecond(1234.5), perSecond(0)]).toEqual(['5.3', '1,235', '–']);
});
