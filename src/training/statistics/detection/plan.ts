/** What has to be added up for some cells, made ready for a thousand resamples in any thread. */
import type { Cell, CellValue } from './cells.js';
import { averagePrecision, type Scratch, scratchFor, startCurves } from './averagePrecision.js';

/** Plain data and shared memory: it can be sent to a thread without a copy. */
export interface Plan {
  images: number;
  /** One per class × range: the images of its detections from the best score on, and the counter of its truths. */
  curves: { images: Int32Array; positives: number; lists: number[] }[];
  /** One per class × range × IoU threshold: the marks that `averagePrecision` takes. */
  lists: Int32Array[];
  /** Per counter a number an image. */
  counters: Int32Array[];
  cells: CellPlan[];
}

export interface CellPlan {
  cell: Cell;
  /** AP: the mean over these lists, but for those without a truth. */
  lists: number[];
  /** Or the mean over these ratios of two counters, but for those of 0. */
  ratios: { numerator: number; denominator: number }[];
  /** A ratio's denominator counts so often: an AR's hits are over all IoU thresholds. */
  times: number;
  /** The counter of n. */
  n: number[];
  proportion: boolean;
}

/** The values of the plan's cells with image i counted weights[i] times. */
export class PlanEvaluator {
  private readonly scratch: Scratch;
  private readonly sums: Float64Array;
  private readonly precisions: (number | null)[];

  constructor(private readonly plan: Plan) {
    this.scratch = scratchFor(Math.max(0, ...plan.curves.map(({ images }) => images.length)));
    this.sums = new Float64Array(plan.counters.length);
    this.precisions = new Array<number | null>(plan.lists.length).fill(null);
  }

  weigh(weights: Int32Array): void {
    this.plan.counters.forEach((counter, k) => {
      let sum = 0;
      for (let i = 0; i < counter.length; i++) sum += counter[i]! * weights[i]!;
      this.sums[k] = sum;
    });
    for (const { images, positives, lists } of this.plan.curves) {
      const truths = this.sums[positives]!;
      if (truths > 0) startCurves(images, weights, truths, this.scratch);
      for (const list of lists)
        this.precisions[list] = truths > 0 ? averagePrecision(this.plan.lists[list]!, this.scratch) : null;
    }
  }

  value({ lists, ratios, times }: CellPlan): number | null {
    let sum = 0;
    let count = 0;
    for (const list of lists) {
      const precision = this.precisions[list]!;
      if (precision === null) continue;
      sum += precision;
      count++;
    }
    for (const { numerator, denominator } of ratios) {
      if (this.sums[denominator] === 0) continue;
      sum += this.sums[numerator]! / (times * this.sums[denominator]!);
      count++;
    }
    return count === 0 ? null : sum / count;
  }

  result(cell: CellPlan): CellValue {
    const n = cell.n.reduce((sum, counter) => sum + this.sums[counter]!, 0);
    const successes = cell.proportion ? this.sums[cell.ratios[0]!.numerator]! : null;
    return { value: this.value(cell), n, successes };
  }
}
