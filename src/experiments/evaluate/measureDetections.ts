/** Figures of LIGHT_DETECTION: of every slice in one pass over the images' matches. */
import {
  bootstrapCells,
  cellValues,
  confusionOf,
  curvesOf,
  DetectionSet,
  ERROR_TYPES,
  type Cell,
  type CellInterval,
  type ErrorType,
  type ImageMatches,
} from '../../training/statistics/detection/index.js';
import { detectionCells } from './detectionCells.js';
import { detectionProtocol } from './detections.js';
import type { DetectionDetails } from './details.js';
import { NO_INTERVAL, wilsonAt, type CellFigure, type SliceFigures } from './figures.js';
import type { Scope, Slice } from './scope.js';

/** Curves at the other thresholds tell nothing new, and would be 30 kB a slice. */
const CURVES_AT = [0.5, 0.75];

export class DetectionMeasure {
  private readonly sets: DetectionSet[];
  private readonly errors: Record<ErrorType, number>[];

  constructor(
    private readonly scope: Scope,
    private readonly slices: readonly Slice[],
  ) {
    const protocol = detectionProtocol(scope.protocol);
    this.sets = slices.map(() => new DetectionSet(protocol, scope.classes.length));
    this.errors = slices.map(
      () => Object.fromEntries(ERROR_TYPES.map((type) => [type, 0])) as Record<ErrorType, number>,
    );
  }

  /** @param places indices of the slices that the image is in */
  add(matches: ImageMatches, drive: string | null, places: readonly number[]): void {
    for (const place of places) {
      this.sets[place]!.add(matches, drive);
      const errors = this.errors[place]!;
      for (const { error } of matches.detections) if (error) errors[error]++;
      for (const { missed } of matches.truths) if (missed) errors.MISSED++;
    }
  }

  async figures(signal?: AbortSignal): Promise<SliceFigures[]> {
    const found: SliceFigures[] = [];
    for (const [place, slice] of this.slices.entries()) {
      signal?.throwIfAborted();
      found.push(await this.figuresOfSlice(slice, this.sets[place]!, this.errors[place]!, signal));
    }
    return found;
  }

  private async figuresOfSlice(
    slice: Slice,
    set: DetectionSet,
    errors: Record<ErrorType, number>,
    signal?: AbortSignal,
  ): Promise<SliceFigures> {
    const { classes } = this.scope;
    const whole = confusionOf(set, 0);
    const curves = classes.flatMap((_, label) => curvesOf(set, label));
    const count = (of: (label: number, foundAs: number) => boolean) =>
      whole
        .slice(0, -1)
        .reduce((sum, row, label) => sum + row.reduce((s, c, as) => (of(label, as) ? s + c : s), 0), 0);
    const details: DetectionDetails = {
      curves: curves
        .filter(({ iou, precision }) => precision !== null && CURVES_AT.includes(iou))
        .map(({ label, iou, precision }) => ({ class: classes[label]!, iou, precision: precision! })),
      confusion: whole,
      errors,
    };
    return {
      ...{ ...slice, images: set.images, n: count(() => true), correct: count((label, as) => label === as) },
      confusion: whole.slice(0, -1).flatMap((row) => row.slice(0, -1)),
      details,
      cells: await this.cells(set, signal),
    };
  }

  private async cells(set: DetectionSet, signal?: AbortSignal): Promise<CellFigure[]> {
    const { protocol } = this.scope;
    const asked = detectionCells(this.scope, set);
    const plain = asked.map(({ cell }) => cell);
    const values = cellValues(set, plain);
    // An interval of too few is not worth its time, and half of the cells are such.
    const byBootstrap = (at: number) =>
      values[at]!.n >= protocol.minimumN &&
      (values[at]!.successes === null || protocol.intervalMethod === 'BOOTSTRAP');
    const chosen = plain.filter((_, at) => byBootstrap(at));
    const { resamples, seed, confidence } = protocol;
    const intervals = await bootstrapCells(set, chosen, {
      ...{ resamples, seed, confidence },
      ...(signal && { signal }),
    });
    const byCell = new Map<Cell, CellInterval>(intervals.map((one) => [one.cell, one]));
    return asked.map(({ cell, ...names }, at) => {
      const { value, n, successes } = values[at]!;
      const figure = { ...names, value, n };
      if (successes !== null && protocol.intervalMethod !== 'BOOTSTRAP') {
        const interval = n === 0 ? NO_INTERVAL : wilsonAt(successes, n, confidence);
        return { ...figure, ...interval, method: 'WILSON' };
      }
      return { ...figure, ...(byCell.get(cell)?.interval ?? NO_INTERVAL), method: 'BOOTSTRAP' };
    });
  }
}
