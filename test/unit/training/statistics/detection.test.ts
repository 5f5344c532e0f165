import fc from 'fast-check';
import {
  bootstrapCells,
  bootstrapDifferences,
  type Cell,
  cellValues,
  COCO_PROTOCOL,
  type DetectionProtocol,
  DetectionSet,
  ERROR_TYPES,
  type ImageMatches,
  matchImage,
  mcnemarOfDetections,
  packMatches,
  sizeRanges,
  type SizeFigures,
  summarise,
  type Truth,
  unpackMatches,
} from '../../../../src/training/statistics/detection/index.js';
import { drawnImages, naiveMeanAP } from '../../../../bench/support/naiveBootstrap.js';
import { percentileInterval } from '../../../../src/training/statistics/resampling.js';
import { detected, fixture, lights, matched, type Scene } from './scenes.js';

const CLASSES = 3;
const ALL: Omit<Cell, 'metric'> = { label: null, range: 0 };
const AP: Cell = { metric: 'ap', ...ALL };
const RECALL: Cell = { metric: 'recall', ...ALL };
const THRESHOLDS = COCO_PROTOCOL.iouThresholds.length;

function setOf(
  images: readonly ImageMatches[],
  unit: (i: number) => string | null = () => null,
): DetectionSet {
  const set = new DetectionSet(COCO_PROTOCOL, CLASSES);
  images.forEach((image, i) => set.add(image, unit(i)));
  return set;
}

const figuresOf = (scenes: readonly Scene[], protocol?: DetectionProtocol) =>
  summarise(protocol ?? COCO_PROTOCOL, CLASSES, matched(scenes, CLASSES, protocol));

const valuesOf = ({ ap, ap50, ap75, ar, recall, precision, colorAccuracy }: SizeFigures): (number | null)[] =>
  [ap, ap50, ap75, ...ar, recall, precision, colorAccuracy].map(({ value }) => value);

const light = (label: number, x: number, width = 20): Truth => ({
  ...{ label, x, y: 100, width, height: width * 2, ignore: false },
});
const found = (truth: Truth, score: number, more: object = {}) => ({ ...truth, score, ...more });

describe('a perfect detector', () => {
  const truths = lights(60, 1);
  const scenes = truths.map((inImage) => ({
    truths: inImage,
    detections: inImage.map((truth) => found(truth, 0.9)),
  }));
  const figures = figuresOf(scenes);

  it('has 1 everywhere, in each class and size that occurs', () => {
    const n = truths.flat().length;
    expect(figures.overall[0]!.ap).toEqual({ value: 1, n, successes: null });
    expect(figures.overall[0]!.recall).toEqual({ value: 1, n, successes: n });
    expect(figures.overall[0]!.ar.map(({ value }) => value)[2]).toBe(1);
    for (const ranges of [figures.overall, ...figures.classes])
      for (const range of ranges) {
        if (range.ap.n === 0) continue;
        const [ar1, ...rest] = range.ar.map(({ value }) => value);
        expect(ar1).toBeGreaterThan(0);
        expect(rest).toEqual([1, 1]);
        for (const one of [
          range.ap,
          range.ap50,
          range.ap75,
          range.recall,
          range.precision,
          range.colorAccuracy,
        ])
          expect(one.value).toBe(1);
      }
  });

  it('has no error, and a confusion with a diagonal only', () => {
    expect(figures.errors).toEqual(Object.fromEntries(ERROR_TYPES.map((type) => [type, 0])));
    figures.confusion[0]!.forEach((row, label) =>
      row.forEach((count, as) => {
        if (label !== as) expect(count).toBe(0);
      }),
    );
  });

  it('has an interval of no width', async () => {
    const [ap] = await bootstrapCells(setOf(matched(scenes, CLASSES)), [AP], { resamples: 200, seed: 1 });
    expect(ap!.interval).toEqual({ lower: 1, upper: 1 });
  });
});

describe('a detector that', () => {
  const truths = lights(60, 2);

  it('says nothing has recalls of 0, no precision, and misses all', () => {
    const figures = figuresOf(truths.map((inImage) => ({ truths: inImage, detections: [] })));
    const n = truths.flat().length;
    expect(valuesOf(figures.overall[0]!)).toEqual([0, 0, 0, 0, 0, 0, 0, null, null]);
    expect(figures.errors).toMatchObject({ MISSED: n, BACKGROUND: 0 });
    expect(figures.confusion[0]!.map((row) => row[CLASSES])).toEqual([
      ...[0, 1, 2].map((label) => truths.flat().filter((one) => one.label === label).length),
      0,
    ]);
  });

  it('is not trained, and lays boxes of any class anywhere, is near 0', () => {
    const elsewhere = lights(60, 99);
    const scenes = truths.map((inImage, i) => ({
      truths: inImage,
      detections: elsewhere[i]!.map((one, k) => found({ ...one, x: one.x + 37 }, (k + 1) / 10)),
    }));
    const figures = figuresOf(scenes);
    expect(figures.overall[0]!.ap.value).toBeLessThan(0.05);
    expect(figures.overall[0]!.ap.value).toBeGreaterThanOrEqual(0);
  });

  it('places all boxes right and draws the colours has recall 1 and a third of the colours', () => {
    const many = lights(600, 3);
    const random = detected(many, 5, 1).map(({ truths: inImage }, i) => ({
      truths: inImage,
      detections: inImage.map((one, k) =>
        found({ ...one, label: (i * 7 + k * 5 + one.label * i) % CLASSES }, 0.8),
      ),
    }));
    const { overall, errors } = figuresOf(random);
    expect(overall[0]!.recall.value).toBe(1);
    expect(overall[0]!.precision.value).toBe(1);
    expect(overall[0]!.colorAccuracy.value).toBeGreaterThan(0.28);
    expect(overall[0]!.colorAccuracy.value).toBeLessThan(0.45);
    expect(errors).toMatchObject({ LOCALISATION: 0, BACKGROUND: 0, MISSED: 0 });
    expect(errors.CLASSIFICATION).toBe(overall[0]!.colorAccuracy.n - overall[0]!.colorAccuracy.successes!);
  });
});

describe('figures of any detector', () => {
  const scenes = fc
    .tuple(fc.integer({ min: 0, max: 12 }), fc.nat(1e6), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([images, seed, chance]) => detected(lights(images, seed), seed + 1, chance));

  it('lie in [0, 1] or are null, and never NaN', () => {
    fc.assert(
      fc.property(scenes, (some) => {
        const figures = figuresOf(some);
        for (const ranges of [figures.overall, ...figures.classes])
          for (const value of ranges.flatMap(valuesOf))
            if (value !== null) expect(value >= 0 && value <= 1).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('do not depend on the order of images, labels and detections', () => {
    fc.assert(
      fc.property(scenes, (some) => {
        const turned = [...some].reverse().map(({ truths, detections }) => ({
          truths: [...truths].reverse(),
          detections: [...detections].reverse(),
        }));
        const [forward, backward] = [figuresOf(some), figuresOf(turned)];
        forward.overall.forEach((range, r) =>
          valuesOf(range).forEach((value, i) => {
            const other = valuesOf(backward.overall[r]!)[i]!;
            if (value === null) expect(other).toBeNull();
            else expect(other).toBeCloseTo(value, 10);
          }),
        );
        expect(backward.confusion).toEqual(forward.confusion);
        expect(backward.errors).toEqual(forward.errors);
      }),
      { numRuns: 40 },
    );
  });

  it('fall with the IoU that is asked for, and AR rises with the detections allowed', () => {
    fc.assert(
      fc.property(scenes, (some) => {
        const { ap50, ap75, ar } = figuresOf(some).overall[0]!;
        expect((ap50.value ?? 0) >= (ap75.value ?? 0)).toBe(true);
        expect((ar[0]!.value ?? 0) <= (ar[1]!.value ?? 0) && (ar[1]!.value ?? 0) <= (ar[2]!.value ?? 0)).toBe(
          true,
        );
      }),
      { numRuns: 40 },
    );
  });

  it('add up: bins of width share out the lights, and so do found, missed and ignored', () => {
    fc.assert(
      fc.property(scenes, (some) => {
        const { overall, confusion } = figuresOf(some);
        const bins = overall.slice(4).reduce((sum, { recall }) => sum + recall.n, 0);
        expect(bins).toBe(overall[0]!.recall.n);
        const sum = confusion[0]!
          .slice(0, CLASSES)
          .flat()
          .reduce((a, b) => a + b, 0);
        expect(sum).toBe(overall[0]!.recall.n);
      }),
      { numRuns: 40 },
    );
  });

  it('of matches that were packed are the same', () => {
    fc.assert(
      fc.property(scenes, (some) => {
        const matches = matched(some, CLASSES);
        const back = matches.map((one) => unpackMatches(packMatches(one, THRESHOLDS), THRESHOLDS));
        expect(back).toEqual(matches);
        expect(JSON.parse(JSON.stringify(matches))).toEqual(matches);
      }),
      { numRuns: 40 },
    );
  });
});

describe('matches', () => {
  const one = matchImage(COCO_PROTOCOL, CLASSES, [light(0, 0), light(1, 100, 6)], [found(light(2, 1), 0.8)]);

  it('keep the colours apart from the finding', () => {
    expect(one.truths.map(({ foundAs }) => foundAs)).toEqual([2, null]);
    expect(one.detections[0]).toMatchObject({ presence: 'FOUND', error: 'CLASSIFICATION' });
    expect(one.truths.map(({ missed }) => missed)).toEqual([false, true]);
  });

  it('say in which sizes a light counts', () => {
    const kinds = sizeRanges(COCO_PROTOCOL).map(({ kind, bin }, r) => [kind, bin, r] as const);
    const rangesOf = (mask: number) =>
      kinds.flatMap(([kind, bin, r]) => (mask & (1 << r) ? [`${kind} ${bin}`] : []));
    expect(one.truths.map(({ ranges }) => rangesOf(ranges))).toEqual([
      ['ALL 0', 'AREA 0', 'WIDTH 2'],
      ['ALL 0', 'AREA 0', 'WIDTH 0'],
    ]);
    // Bins of width are half-open, COCO's of area hold both ends.
    const [edge] = matchImage(COCO_PROTOCOL, 1, [{ ...light(0, 0, 16), height: 64 }], []).truths;
    expect(rangesOf(edge!.ranges)).toEqual(['ALL 0', 'AREA 0', 'AREA 1', 'WIDTH 2']);
  });

  it('leave out of recall, precision and errors what is below the score threshold, but not of AP', () => {
    const unsure = { truths: [light(0, 0)], detections: [found(light(0, 0), 0.4)] };
    const { overall, errors } = figuresOf([unsure]);
    expect(overall[0]!.ap.value).toBe(1);
    expect(overall[0]!.recall).toEqual({ value: 0, n: 1, successes: 0 });
    expect(overall[0]!.precision).toEqual({ value: null, n: 0, successes: 0 });
    expect(errors).toMatchObject({ MISSED: 1, BACKGROUND: 0 });
    expect(figuresOf([unsure], { ...COCO_PROTOCOL, scoreThreshold: 0.4 }).overall[0]!.recall.value).toBe(1);
  });

  it('neither reward nor punish what lies on an ignored light', () => {
    const ignored = { ...light(0, 0), ignore: true };
    const { overall, errors, confusion } = figuresOf([
      { truths: [ignored, light(0, 200)], detections: [found(light(0, 0), 0.9), found(light(0, 200), 0.8)] },
    ]);
    expect(overall[0]!.ap).toMatchObject({ value: 1, n: 1 });
    expect(overall[0]!.precision).toMatchObject({ value: 1, n: 1 });
    expect(errors.BACKGROUND).toBe(0);
    expect(confusion[0]!.flat().reduce((a, b) => a + b, 0)).toBe(1);
  });

  it.each([
    ['a score that is no number', [], [found(light(0, 0), NaN)]],
    ['an infinite score', [], [found(light(0, 0), Infinity)]],
    ['a class that is not there', [light(3, 0)], []],
    ['a detection of a class that is not there', [], [found(light(-1, 0), 0.5)]],
    ['a box without a place', [{ ...light(0, 0), x: NaN }], []],
    ['a box turned inside out', [{ ...light(0, 0), width: -1 }], []],
  ])('refuse %s', (_, truths, detections) => {
    expect(() => matchImage(COCO_PROTOCOL, CLASSES, truths, detections)).toThrow(RangeError);
  });

  it.each<Partial<DetectionProtocol>>([
    { iouThresholds: [] },
    { iouThresholds: [0.5, 0.5] },
    { iouThresholds: [0, 0.5] },
    { iouThresholds: [0.5, 1.1] },
    { iouThresholds: [NaN] },
    { maxDetections: [0] },
    { maxDetections: [1, 1000] },
    { maxDetections: [1.5] },
    { sizeBounds: [16, 8] },
    { scoreThreshold: NaN },
  ])('refuse the protocol %j', (change) => {
    expect(() => matchImage({ ...COCO_PROTOCOL, ...change }, CLASSES, [], [])).toThrow(RangeError);
    expect(() => new DetectionSet({ ...COCO_PROTOCOL, ...change }, CLASSES)).toThrow(RangeError);
  });

  it('are not read from other bytes', () => {
    expect(() => unpackMatches(new Uint8Array(3), THRESHOLDS)).toThrow(RangeError);
    expect(() => unpackMatches(new Uint8Array(20).fill(9), THRESHOLDS)).toThrow(RangeError);
    const bytes = packMatches(one, THRESHOLDS);
    expect(() => unpackMatches(bytes.slice(0, -1), THRESHOLDS)).toThrow(RangeError);
  });

  it('are not added to a set of other classes or sizes', () => {
    const coarse = new DetectionSet({ ...COCO_PROTOCOL, sizeBounds: [16] }, CLASSES);
    expect(() => coarse.add(one)).toThrow(RangeError);
    expect(() => new DetectionSet(COCO_PROTOCOL, 1).add(one)).toThrow(RangeError);
    expect(coarse.images).toBe(0);
  });

  it('hold boxes without an extent without dividing by it', () => {
    const flat = { ...light(0, 0), width: 0 };
    const figures = figuresOf([{ truths: [flat], detections: [found(flat, 0.9)] }]);
    expect(figures.overall[0]!.ap.value).toBe(0);
  });
});

describe('figures without data', () => {
  it('are null without an image, and without a label', () => {
    const nothing = Array<null>(9).fill(null);
    expect(valuesOf(figuresOf([]).overall[0]!)).toEqual(nothing);
    const noise = figuresOf([{ truths: [], detections: [found(light(0, 0), 0.9)] }]);
    expect(valuesOf(noise.overall[0]!)).toEqual([...Array<null>(7).fill(null), 0, null]);
    expect(noise.curves.every(({ precision }) => precision === null)).toBe(true);
    expect(noise.errors.BACKGROUND).toBe(1);
  });

  it('are null where the protocol lacks the threshold', () => {
    const protocol = { ...COCO_PROTOCOL, iouThresholds: [0.6], maxDetections: [5] };
    const { ap, ap50, ap75, ar } = figuresOf(detected(lights(20, 1), 2, 0.9), protocol).overall[0]!;
    expect(ap.value).toBeGreaterThan(0);
    expect([ap50.value, ap75.value]).toEqual([null, null]);
    expect(ar).toHaveLength(1);
    expect(cellValues(setOf([]), [{ metric: 'ar7', ...ALL }])[0]!.value).toBeNull();
  });

  it('have no interval', async () => {
    const [none, some] = await Promise.all(
      [[], matched(detected(lights(20, 1), 2, 0.9), CLASSES)].map((images) =>
        bootstrapCells(setOf(images), [AP, { metric: 'ar7', ...ALL }], { resamples: 100, seed: 1 }),
      ),
    );
    expect(none!.map(({ interval, resamples }) => [interval, resamples])).toEqual([
      [null, 0],
      [null, 0],
    ]);
    expect(some![0]!.interval).not.toBeNull();
    expect(some![1]!).toMatchObject({ value: null, interval: null });
  });

  it('have none either where most resamples hold no light of the class', async () => {
    const images = [[light(0, 0)], ...Array<Truth[]>(5).fill([])].map((truths) => ({
      truths,
      detections: truths.map((one) => found(one, 0.9)),
    }));
    const options = { resamples: 4000, seed: 1 };
    const [one] = await bootstrapCells(setOf(matched(images, CLASSES)), [AP], options);
    // (1 − 1/6)^6 = 33 % of resamples are without it.
    expect(one!.interval).toEqual({ lower: 1, upper: 1 });
    expect(one!.resamples / 4000).toBeCloseTo(0.665, 1);
    expect(percentileInterval([NaN, NaN, 1])).toEqual({ interval: null, resamples: 1 });
  });
});

describe('the bootstrap', () => {
  const { images } = fixture('lights');
  const classes = 5;
  const matches = matched(images, classes);
  const set = new DetectionSet(COCO_PROTOCOL, classes);
  matches.forEach((image) => set.add(image));

  it('gives the interval that putting each resample together by hand gives, with any number of threads', async () => {
    const options = { resamples: 200, seed: 3 };
    const byHand = Array.from({ length: options.resamples }, (_, resample) =>
      naiveMeanAP(COCO_PROTOCOL, classes, drawnImages(matches, options.seed, resample)),
    );
    const expected = percentileInterval(byHand).interval!;
    for (const threads of [undefined, 0, 1, 3]) {
      const [ap] = await bootstrapCells(set, [AP], { ...options, threads });
      expect(ap!.interval!.lower).toBeCloseTo(expected.lower, 12);
      expect(ap!.interval!.upper).toBeCloseTo(expected.upper, 12);
    }
  });

  it('draws drives as one where they are given', async () => {
    const alike = matches.slice(0, 12).flatMap((image) => Array<ImageMatches>(8).fill(image));
    const width = async (unit: (i: number) => string | null) => {
      const one = new DetectionSet(COCO_PROTOCOL, classes);
      alike.forEach((image, i) => one.add(image, unit(i)));
      const [recall] = await bootstrapCells(one, [RECALL], { resamples: 500, seed: 1 });
      return recall!.interval!.upper - recall!.interval!.lower;
    };
    const [byImage, byDrive] = [await width(() => null), await width((i) => `${Math.floor(i / 8)}`)];
    // √8 = 2.8 times as wide.
    expect(byDrive / byImage).toBeGreaterThan(2);
    expect(byDrive / byImage).toBeLessThan(4);
  });

  it('ends when it is told to, its threads too', async () => {
    for (const threads of [0, 2]) {
      const controller = new AbortController();
      const run = bootstrapCells(set, [AP], { resamples: 1e6, seed: 1, threads, signal: controller.signal });
      setTimeout(() => controller.abort(new Error('enough')), 50);
      await expect(run).rejects.toThrow('enough');
    }
  });

  it('refuses to draw nothing', async () => {
    for (const resamples of [0, -1, 1.5, NaN])
      await expect(bootstrapCells(set, [AP], { resamples, seed: 1 })).rejects.toThrow(RangeError);
  });

  it('refuses cells that there are not', async () => {
    const options = { resamples: 10, seed: 1 };
    for (const cell of [
      { ...AP, label: 5 },
      { ...AP, range: 8 },
      { ...AP, metric: 'f1' as never },
    ])
      await expect(bootstrapCells(set, [cell], options)).rejects.toThrow(RangeError);
  });

  it('holds the truth in about 95 % of intervals', async () => {
    // 3,600 images are the world: how often does the interval of 60 of them hold its recall?
    const world = matched(detected(lights(3600, 8), 9, 0.7), CLASSES);
    const truth = cellValues(setOf(world), [RECALL])[0]!.value!;
    let held = 0;
    for (let seed = 0; seed < 60; seed++) {
      const sample = world.slice(seed * 60, seed * 60 + 60);
      const [recall] = await bootstrapCells(setOf(sample), [RECALL], { resamples: 150, seed });
      if (recall!.interval!.lower <= truth && truth <= recall!.interval!.upper) held++;
    }
    // 57 are expected, with a standard deviation of 1.7.
    expect(held).toBeGreaterThanOrEqual(51);
  });
});

describe('two detectors', () => {
  const cells: Cell[] = [AP, RECALL, { metric: 'color_accuracy', ...ALL }];
  const truths = lights(80, 4);
  const modelOf = (seed: number, chance: number) => setOf(matched(detected(truths, seed, chance), CLASSES));
  const options = { resamples: 300, seed: 2 };

  it('that are one and the same do not differ, whatever the seed', async () => {
    const model = modelOf(1, 0.7);
    for (let seed = 0; seed < 20; seed++)
      for (const one of await bootstrapDifferences(model, model, cells, { resamples: 100, seed }))
        expect(one).toMatchObject({ difference: 0, interval: { lower: 0, upper: 0 }, pValue: 1 });
    expect(mcnemarOfDetections(model, model, RECALL)).toMatchObject({ onlyA: 0, onlyB: 0, pValue: 1 });
  });

  it('that differ are told apart, with the sign of the second', async () => {
    for (const one of (await bootstrapDifferences(modelOf(1, 0.5), modelOf(2, 0.95), cells, options)).slice(
      0,
      2,
    )) {
      expect(one.difference).toBeCloseTo(one.b.value! - one.a.value!, 12);
      expect(one.interval!.lower).toBeGreaterThan(0);
      expect(one.pValue).toBeLessThan(0.02);
    }
    const { onlyA, onlyB, pValue, n } = mcnemarOfDetections(modelOf(1, 0.5), modelOf(2, 0.95), RECALL);
    expect(n).toBe(truths.flat().length);
    expect(onlyB).toBeGreaterThan(onlyA);
    expect(pValue).toBeLessThan(0.001);
  });

  it('of equal quality are told apart in about 5 % of seeds', async () => {
    let significant = 0;
    for (let seed = 0; seed < 40; seed++) {
      const [a, b] = [modelOf(2 * seed + 100, 0.7), modelOf(2 * seed + 101, 0.7)];
      const [recall] = await bootstrapDifferences(a, b, [RECALL], { resamples: 150, seed });
      if (recall!.pValue! <= 0.05) significant++;
    }
    // 2 are expected, with a standard deviation of 1.4.
    expect(significant).toBeLessThanOrEqual(6);
  });

  it('are paired: their difference is known better than from two samples', async () => {
    const [a, b] = [modelOf(1, 0.7), modelOf(1, 0.75)];
    const [paired] = await bootstrapDifferences(a, b, [AP], options);
    const [alone] = await bootstrapCells(a, [AP], options);
    const width = ({ interval }: { interval: { lower: number; upper: number } | null }) =>
      interval!.upper - interval!.lower;
    expect(width(paired!)).toBeLessThan(Math.SQRT2 * width(alone!));
  });

  it('pair lights that both found by their colours, and red as green as an error', () => {
    const scene = (labels: (number | null)[]) => ({
      truths: labels.map((_, i) => light(0, i * 100)),
      detections: labels.flatMap((label, i) =>
        label === null ? [] : [found({ ...light(label, i * 100) }, 0.9)],
      ),
    });
    const model = (labels: (number | null)[]) => setOf(matched([scene(labels)], CLASSES));
    const [a, b] = [model([0, 2, 1, null, 0]), model([0, 0, 2, 0, null])];
    expect(mcnemarOfDetections(a, b, RECALL)).toMatchObject({ n: 5, onlyA: 1, onlyB: 1 });
    expect(mcnemarOfDetections(a, b, { metric: 'color_accuracy', ...ALL })).toMatchObject({
      n: 3,
      onlyA: 0,
      onlyB: 1,
    });
    const redAsGreen: Cell = { metric: 'read_as', ...ALL, from: [0], to: [2] };
    expect(mcnemarOfDetections(a, b, redAsGreen)).toMatchObject({ n: 3, onlyA: 1, onlyB: 1 });
    expect(cellValues(a, [redAsGreen])[0]).toEqual({ value: 1 / 4, n: 4, successes: 1 });
    expect(() => mcnemarOfDetections(a, b, AP)).toThrow(RangeError);
  });

  it('have neither interval nor p-value where there is no light of the class', async () => {
    const two = setOf(matched(detected(lights(30, 1, 2), 1, 1, 2), CLASSES));
    const [cell] = await bootstrapDifferences(two, two, [{ ...AP, label: 2 }], options);
    expect(cell).toMatchObject({ difference: null, interval: null, pValue: null, resamples: 0 });
  });

  it('are not compared on other images', async () => {
    const [a, b] = [modelOf(1, 0.7), setOf(matched(detected(truths.slice(1), 1, 0.7), CLASSES))];
    await expect(bootstrapDifferences(a, b, cells, options)).rejects.toThrow(RangeError);
    expect(() => mcnemarOfDetections(a, b, RECALL)).toThrow(RangeError);
  });
});
