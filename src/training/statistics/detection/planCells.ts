/** From the cells that are asked for to the lists and counters that they need, each made once. */
import { type Cell, maximumOf, thresholdsOf } from './cells.js';
import { sharedIntegers } from '../columns.js';
import type { DetectionSet } from './detectionSet.js';
import type { CellPlan, Plan } from './plan.js';

export function planCells(set: DetectionSet, cells: readonly Cell[]): Plan {
  return new Planner(set).plan(cells);
}

class Planner {
  private readonly curves: (Plan['curves'][number] & { detections: Int32Array })[] = [];
  private readonly lists: Plan['lists'] = [];
  private readonly counters: Int32Array[] = [];
  private readonly known = new Map<string, number>();
  private readonly orders = new Map<number, Int32Array>();

  constructor(private readonly set: DetectionSet) {}

  plan(cells: readonly Cell[]): Plan {
    const planned = cells.map((cell) => this.cell(cell));
    const curves = this.curves.map(({ images, positives, lists }) => ({ images, positives, lists }));
    return { images: this.set.images, curves, lists: this.lists, counters: this.counters, cells: planned };
  }

  private cell(cell: Cell): CellPlan {
    const labels = cell.label === null ? [...Array(this.set.classes).keys()] : [cell.label];
    if (labels.some((label) => !Number.isInteger(label) || label < 0 || label >= this.set.classes))
      throw new RangeError(`planCells: class ${cell.label} is not below ${this.set.classes}`);
    if (!this.set.ranges[cell.range]) throw new RangeError(`planCells: there is no size range ${cell.range}`);
    const positives = labels.map((label) => this.positives(label, cell.range));
    const base = { cell, lists: [], ratios: [], times: 1, n: positives, proportion: false };
    if (/^ap\d*$/.test(cell.metric)) return { ...base, lists: this.precisionLists(cell, labels) };
    if (/^ar\d+$/.test(cell.metric)) return { ...base, ...this.recalls(cell, labels) };
    const [numerator, denominator] = this.proportion(cell);
    return { ...base, ratios: [{ numerator, denominator }], n: [denominator], proportion: true };
  }

  private precisionLists({ metric, range }: Cell, labels: readonly number[]): number[] {
    return labels.flatMap((label) =>
      thresholdsOf(metric, this.set.protocol).map((threshold) => this.list(label, range, threshold)),
    );
  }

  private recalls(cell: Cell, labels: readonly number[]): Pick<CellPlan, 'ratios' | 'times'> {
    const { maxDetections, iouThresholds } = this.set.protocol;
    const limit = maxDetections[maximumOf(cell.metric, this.set.protocol)];
    const ratios = labels.map((label) => ({
      numerator: this.hits(label, cell.range, limit ?? 0),
      denominator: this.positives(label, cell.range),
    }));
    return { ratios: limit === undefined ? [] : ratios, times: iouThresholds.length };
  }

  private proportion({ metric, label, range, from, to }: Cell): [numerator: number, denominator: number] {
    const ofLabel = (one: number) => label === null || one === label;
    switch (metric) {
      case 'recall':
        return [
          this.truths(`found ${label} ${range}`, range, (one, as) => ofLabel(one) && as >= 0),
          this.truths(`truths ${label} ${range}`, range, ofLabel),
        ];
      case 'precision':
        return [this.present(label, range, true), this.present(label, range, false)];
      case 'color_accuracy':
        return [
          this.truths(`right ${label} ${range}`, range, (one, as) => ofLabel(one) && as === one),
          this.truths(`found ${label} ${range}`, range, (one, as) => ofLabel(one) && as >= 0),
        ];
      case 'read_as': {
        const among = (one: number) => ofLabel(one) && Boolean(from?.includes(one));
        return [
          this.truths(
            `read ${label} ${range} ${String(from)} ${String(to)}`,
            range,
            (one, as) => among(one) && Boolean(to?.includes(as)),
          ),
          this.truths(`from ${label} ${range} ${String(from)}`, range, (one, as) => among(one) && as >= 0),
        ];
      }
      default:
        throw new RangeError(`planCells: there is no metric ${metric}`);
    }
  }

  private list(label: number, range: number, threshold: number): number {
    return this.once(`list ${label} ${range} ${threshold}`, () => {
      const curve = this.curves[this.curve(label, range)]!;
      const list = this.lists.push(shared(this.set.marks(label, range, threshold, curve.detections))) - 1;
      curve.lists.push(list);
      return list;
    });
  }

  private curve(label: number, range: number): number {
    return this.once(`curve ${label} ${range}`, () => {
      const order = this.orders.get(label) ?? this.set.sorted(label);
      this.orders.set(label, order);
      const detections = this.set.counting(label, range, order);
      const images = shared(this.set.imagesOf(label, detections));
      const positives = this.positives(label, range);
      return this.curves.push({ detections, images, positives, lists: [] }) - 1;
    });
  }

  private positives(label: number, range: number): number {
    return this.truths(`truths ${label} ${range}`, range, (one) => one === label);
  }

  private truths(name: string, range: number, counts: (label: number, foundAs: number) => boolean): number {
    return this.counter(name, (add) =>
      this.set.eachTruth(range, (image, label, foundAs) => {
        if (counts(label, foundAs)) add(image, 1);
      }),
    );
  }

  private present(label: number | null, range: number, foundOnly: boolean): number {
    const labels = label === null ? [...Array(this.set.classes).keys()] : [label];
    return this.counter(`present ${label} ${range} ${foundOnly}`, (add) => {
      for (const one of labels)
        this.set.eachPresent(one, range, (image, found) => {
          if (found || !foundOnly) add(image, 1);
        });
    });
  }

  private hits(label: number, range: number, limit: number): number {
    return this.counter(`hits ${label} ${range} ${limit}`, (add) =>
      this.set.eachHit(label, range, limit, add),
    );
  }

  private counter(name: string, fill: (add: (image: number, count: number) => void) => void): number {
    return this.once(name, () => {
      const counter = sharedIntegers(this.set.images, () => 0);
      fill((image, count) => (counter[image]! += count));
      return this.counters.push(counter) - 1;
    });
  }

  private once(name: string, make: () => number): number {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const made = make();
    this.known.set(name, made);
    return made;
  }
}

const shared = (values: Int32Array) => sharedIntegers(values.length, (i) => values[i]!);
