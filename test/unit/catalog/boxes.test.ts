/** The columns of boxes against a plain map: images that come, change and go, until their holes are closed. */
import fc from 'fast-check';
import { imagesWith } from '../../../src/catalog/coverage/columns/boxes/boxMask.js';
import { BOX_NUMBERS, Boxes, type BoxBatch } from '../../../src/catalog/coverage/columns/boxes/boxes.js';
import type { Where } from '../../../src/graphql/list/where.js';

const ROWS = 400;

/** Box k of a row at a turn has x = turn, y = k; a score only from `scoresFrom` on. */
function batchOf(turn: number, list: [row: number, boxes: number][], scoresFrom: number): BoxBatch {
  const boxes = list.flatMap(([row, count]) => Array.from({ length: count }, (_, k) => [row, k] as const));
  // In no order of rows, as a join gives them.
  boxes.sort(([a, k], [b, l]) => k - l || a - b);
  const value = { x: turn, y: NaN, width: 2, height: 3, score: turn >= scoresFrom ? 0.5 : NaN };
  return {
    rows: Uint32Array.from(boxes, ([row]) => row),
    kind: new Uint16Array(boxes.length).fill(1),
    numbers: BOX_NUMBERS.map((name) => Float64Array.from(boxes, ([, k]) => (name === 'y' ? k : value[name]))),
  };
}

test.each([0, 7, Infinity])('boxes are those of a plain map; scores from turn %d on', async (scoresFrom) => {
  const boxes = new Boxes(0, 0);
  const expected = new Map<number, { turn: number; count: number }>();
  const change = fc.uniqueArray(fc.tuple(fc.nat(ROWS - 1), fc.nat(200)), {
    ...{ minLength: 50, maxLength: 200, selector: ([row]) => row },
  });
  let written = 0;
  for (const [turn, list] of fc.sample(change, { numRuns: 60, seed: 3 }).entries()) {
    for (const [row, count] of list) {
      boxes.clear(row);
      expected.set(row, { turn, count });
      written += count;
    }
    boxes.add(batchOf(turn, list, scoresFrom));
    const count = [...expected.values()].reduce((sum, one) => sum + one.count, 0);
    expect(boxes.count).toBe(count);
    // Bounded by what is there, however much was written.
    expect(boxes.size).toBeLessThanOrEqual(Math.max(100_000, 2 * count));
  }
  expect(written).toBeGreaterThan(3 * boxes.size);
  const holds = async (where: Where) => [...(await imagesWith(boxes, ROWS, where))];
  const rows = (test: (one: { turn: number; count: number }) => boolean) =>
    Array.from({ length: ROWS }, (_, row) => Number(expected.has(row) && test(expected.get(row)!)));
  for (const turn of [0, 7, 30, 59]) {
    expect(await holds({ x: { eq: turn }, y: { eq: 100 } })).toEqual(
      rows((one) => one.turn === turn && one.count > 100),
    );
  }
  expect(await holds({ score: { isNull: false } })).toEqual(
    rows((one) => one.count > 0 && one.turn >= scoresFrom),
  );
  expect(await holds({ score: { isNull: true } })).toEqual(
    rows((one) => one.count > 0 && one.turn < scoresFrom),
  );
});
