import {
  COCO_PROTOCOL,
  type CellValue,
  type DetectionFigures,
  type SizeFigures,
  summarise,
} from '../../../../src/training/statistics/detection/index.js';
import { fixture, matched, type RangeFigures } from './scenes.js';

/** Figures agree with pycocotools' to this. */
const TOLERANCE = 1e-6;

function expectFigure(value: number | null, expected: number | null, name: string): void {
  if (expected === null || value === null) expect([name, value]).toEqual([name, expected]);
  else if (!(Math.abs(value - expected) <= TOLERANCE))
    throw new Error(`${name}: ${value} is not pycocotools' ${expected}`);
}

function expectRange(figures: SizeFigures, expected: RangeFigures, name: string): void {
  const values = (cells: CellValue[]) => cells.map(({ value }) => value);
  const ours = values([figures.ap, figures.ap50, figures.ap75, ...figures.ar]);
  const theirs = [expected.ap, expected.ap50, expected.ap75, ...expected.ar];
  expect(ours).toHaveLength(6);
  theirs.forEach((one, i) => expectFigure(ours[i]!, one, `${name} figure ${i}`));
}

/** COCOeval's twelve, in its order; ranges 1 to 3 are small, medium, large. */
const stats = ({ overall }: DetectionFigures): (number | null)[] =>
  [
    overall[0]!.ap,
    overall[0]!.ap50,
    overall[0]!.ap75,
    ...[1, 2, 3].map((range) => overall[range]!.ap),
    ...overall[0]!.ar,
    ...[1, 2, 3].map((range) => overall[range]!.ar[2]!),
  ].map(({ value }) => value);

describe.each(['lights', 'ties', 'crowds', 'flood', 'segments', 'torchmetrics'])(
  'detection figures of %s against pycocotools and tidecv',
  (name) => {
    const { classes, images, figures: expected } = fixture(name);
    const figures = summarise(COCO_PROTOCOL, classes, matched(images, classes));

    it('has the twelve figures of COCOeval.summarize', () => {
      expect(expected.stats).toHaveLength(12);
      stats(figures).forEach((value, i) => expectFigure(value, expected.stats[i]!, `stats[${i}]`));
    });

    it("has each class in each of COCO's sizes", () => {
      expected.areas.overall.forEach((range, r) => expectRange(figures.overall[r]!, range, `all, size ${r}`));
      expected.areas.classes.forEach((ranges, label) =>
        ranges.forEach((range, r) => expectRange(figures.classes[label]![r]!, range, `${label}, size ${r}`)),
      );
    });

    it('has each class in each bin of width', () => {
      expected.widths.overall.forEach((range, r) =>
        expectRange(figures.overall[4 + r]!, range, `all, width ${r}`),
      );
      expected.widths.classes.forEach((ranges, label) =>
        ranges.forEach((range, r) =>
          expectRange(figures.classes[label]![4 + r]!, range, `${label}, width ${r}`),
        ),
      );
    });

    it('has the precision at every recall point at IoU .5 and .75', () => {
      expected.curves.forEach((curves, label) =>
        [0, 5].forEach((threshold, i) => {
          const curve = figures.curves.find(
            (one) => one.label === label && one.iou === COCO_PROTOCOL.iouThresholds[threshold],
          );
          expect(curve?.precision === null).toBe(curves[i] === null);
          curves[i]?.forEach((precision, r) =>
            expectFigure(curve!.precision![r]!, precision, `class ${label}, recall point ${r}`),
          );
        }),
      );
    });

    it('finds lights whatever their colour as COCOeval without categories does', () => {
      expect(figures.confusion[0]).toEqual(expected.confusion);
    });

    if (expected.errors)
      it('splits the errors as tidecv does', () => {
        expect(figures.errors).toEqual(expected.errors);
      });
  },
);

describe('the fixtures', () => {
  it('hold what they are there for', () => {
    const crowds = fixture('crowds').images;
    expect(crowds.some(({ truths }) => truths.some(({ crowd }) => crowd))).toBe(true);
    expect(crowds.some(({ truths }) => truths.some(({ ignore }) => ignore))).toBe(true);
    expect(crowds.some(({ truths }) => truths.length === 0)).toBe(true);
    expect(crowds.some(({ detections }) => detections.length === 0)).toBe(true);
    expect(Math.max(...fixture('flood').images.map(({ detections }) => detections.length))).toBeGreaterThan(
      100,
    );
    expect(
      new Set(fixture('ties').images.flatMap(({ detections }) => detections.map(({ score }) => score))).size,
    ).toBeLessThan(12);
    expect(fixture('lights').figures.evaluators).toEqual(['pycocotools 2.0.11', 'tidecv 1.0.1']);
  });

  it("repeat the figures that torchmetrics' test publishes for its four images", () => {
    const published = [0.637, 0.859, 0.761, 0.622, 0.8, 0.635, 0.432, 0.652, 0.652, 0.673, 0.8, 0.633];
    expect(fixture('torchmetrics').figures.stats.map((value) => Number(value!.toFixed(3)))).toEqual(
      published,
    );
  });
});
