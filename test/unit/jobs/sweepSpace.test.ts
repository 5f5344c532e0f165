import { drawnFrom, gridOf, type SpaceParameter } from '../../../src/jobs/sweep/space.js';
import { rungsOf } from '../../../src/jobs/sweep/startSweep.js';

describe('a space', () => {
  const space: SpaceParameter[] = [
    { name: 'learningRate', kind: 'range', int: false, min: 1e-4, max: 1, log: true, count: 5 },
    { name: 'batchSize', kind: 'range', int: true, min: 8, max: 64, log: true, count: 4 },
    { name: 'optimizer', kind: 'choice', values: ['Adam', 'SGD'] },
  ];
  it('has a grid with both ends, evenly apart on its scale', () => {
    const grid = gridOf(space);
    expect(grid).toHaveLength(40);
    expect([...new Set(grid.map(({ learningRate }) => learningRate))]).toEqual([0.0001, 0.001, 0.01, 0.1, 1]);
    expect([...new Set(grid.map(({ batchSize }) => batchSize))]).toEqual([8, 16, 32, 64]);
    expect(grid.slice(0, 2).map(({ optimizer }) => optimizer)).toEqual(['Adam', 'SGD']);
  });

  it('is drawn from alike with the same seed, otherwise with another, and evenly on its scale', () => {
    expect(drawnFrom(space, 50, 7)).toEqual(drawnFrom(space, 50, 7));
    expect(drawnFrom(space, 50, 7)).not.toEqual(drawnFrom(space, 50, 8));
    // A longer draw begins as a shorter one.
    expect(drawnFrom(space, 50, 7).slice(0, 10)).toEqual(drawnFrom(space, 10, 7));
    const drawn = drawnFrom(space, 256, 1);
    expect(new Set(drawn.map((one) => JSON.stringify(one))).size).toBe(256);
    const low = drawn.filter(({ learningRate }) => Number(learningRate) < 0.01).length;
    expect(low).toBeGreaterThan(96);
    expect(low).toBeLessThan(160);
    for (const { batchSize } of drawn) {
      expect(batchSize).toBeGreaterThanOrEqual(8);
      expect(batchSize).toBeLessThanOrEqual(64);
    }
  });

  it('of few combinations gives each once, and no more', () => {
    const few: SpaceParameter[] = [
      { name: 'seed', kind: 'range', int: true, min: 1, max: 5, log: false, count: null },
    ];
    expect(
      drawnFrom(few, 5, 1)
        .map(({ seed }) => seed)
        .sort(),
    ).toEqual([1, 2, 3, 4, 5]);
    expect(() => drawnFrom(few, 6, 1)).toThrow('no 6 different');
  });

  it('has rungs that grow by the factor up to the whole training', () => {
    expect(rungsOf(20, 1, 3)).toEqual([1, 3, 9, 20]);
    expect(rungsOf(8, 2, 2)).toEqual([2, 4, 8]);
    expect(rungsOf(3, 3, 2)).toEqual([3]);
  });
});
