/** Figures of LIGHT_STATE: of every slice in one pass over the lights. */
import {
  bootstrapStates,
  reliabilityOf,
  StateSet,
  stateValues,
  type StateCell,
  type StateMetric,
} from '../../training/statistics/states/index.js';
import type { StateDetails } from './details.js';
import { cellFigures, type AskedCell, type CellFigure, type SliceFigures } from './figures.js';
import type { Scope, Slice } from './scope.js';

export interface MeasuredLight {
  sha256: string;
  label: number;
  predicted: number;
  /** Of the answer; NaN: it has none. */
  score: number;
  /** Null: not known. */
  width: number | null;
  drive: string | null;
}

/** Of a slice: every size first, then the bins of width. */
interface Sets {
  sizes: StateSet[];
  images: Set<string>;
}

export class LightMeasure {
  private readonly sets: Sets[];

  constructor(
    private readonly scope: Scope,
    private readonly slices: readonly Slice[],
  ) {
    const { classes, protocol } = scope;
    this.sets = slices.map(() => ({
      sizes: [null, ...protocol.sizeBounds, null].map(() => new StateSet(classes.length)),
      images: new Set(),
    }));
  }

  /** @param places indices of the slices that the light is in */
  add({ sha256, width, drive, score, label, predicted }: MeasuredLight, places: readonly number[]): void {
    const bin = this.scope.protocol.sizeBounds.filter((bound) => width !== null && width >= bound).length;
    const outcome = { label, predicted, confidence: Number.isNaN(score) ? null : score };
    // A name of their own keeps a drive and an image of one name apart.
    const unit = drive === null ? `image ${sha256}` : `drive ${drive}`;
    for (const place of places) {
      const { sizes, images } = this.sets[place]!;
      images.add(sha256);
      sizes[0]!.add(outcome, unit);
      if (width !== null) sizes[bin + 1]!.add(outcome, unit);
    }
  }

  async figures(signal?: AbortSignal): Promise<SliceFigures[]> {
    const found: SliceFigures[] = [];
    for (const [place, slice] of this.slices.entries())
      found.push(await this.figuresOfSlice(slice, this.sets[place]!, signal));
    return found;
  }

  private async figuresOfSlice(
    slice: Slice,
    { sizes, images }: Sets,
    signal?: AbortSignal,
  ): Promise<SliceFigures> {
    const whole = sizes[0]!;
    const confusion = whole.confusion();
    const details: StateDetails = {
      reliability: reliabilityOf(whole).map(({ from, to, n, confidence, accuracy }) => ({
        ...{ lower: from, upper: to, n, score: confidence, accuracy },
      })),
    };
    const cells: CellFigure[] = [];
    for (const [size, set] of sizes.entries())
      cells.push(...(await this.cells(set, size === 0 ? null : size - 1, signal)));
    return {
      ...{ ...slice, images: images.size, n: whole.lights },
      correct: confusion.reduce((sum, row, label) => sum + row[label]!, 0),
      ...{ confusion: confusion.flat(), details, cells },
    };
  }

  private cells(set: StateSet, sizeBin: number | null, signal?: AbortSignal): Promise<CellFigure[]> {
    const { classes, protocol } = this.scope;
    const asked = stateCells(classes).map((one) => ({ ...one, sizeBin }));
    const values = stateValues(
      set,
      asked.map(({ cell }) => cell),
    );
    return cellFigures(protocol, asked, values, (cells, options) =>
      bootstrapStates(set, cells, { ...options, ...(signal && { signal }) }),
    );
  }
}

const METRICS: StateMetric[] = ['precision', 'recall', 'f1', 'ece'];

function stateCells(classes: readonly string[]): Omit<AskedCell<StateCell>, 'sizeBin'>[] {
  const [red, green] = [classes.indexOf('RED'), classes.indexOf('GREEN')];
  const labels = [null, ...classes.keys()];
  return [
    { cell: { metric: 'accuracy', label: null }, metric: 'accuracy', class: null },
    ...labels.flatMap((label) =>
      METRICS.map((metric) => ({
        cell: { metric, label },
        ...{ metric, class: label === null ? null : (classes[label] as string) },
      })),
    ),
    // Of the red lights, those read as green: the figure to gate on.
    ...(red < 0 || green < 0
      ? []
      : [
          {
            cell: { metric: 'read_as' as const, label: null, from: [red], to: [green] },
            ...{ metric: 'red_as_green', class: null },
          },
        ]),
  ];
}
