/** Figures of LIGHT_STATE: of every slice in one pass over the lights. */
import { setImmediate as turn } from 'node:timers/promises';
import { drawUnits, percentileInterval } from '../../training/statistics/resampling.js';
import type { StateDetails } from './details.js';
import { NO_INTERVAL, wilsonAt, type CellFigure, type SliceFigures } from './figures.js';
import {
  emptyCounts,
  lightFigures,
  scoreBin,
  SCORE_BINS,
  type LightCounts,
  type LightFigure,
} from './lightCounts.js';
import type { Scope, Slice } from './scope.js';

export type MeasuredLight = {
  sha256: string;
  label: number;
  predicted: number;
  score: number;
  /** Null: not known. */
  width: number | null;
  drive: string | null;
};

/** Columns: 30 bytes a light, whatever the slices. */
class LightSet {
  readonly labels: number[] = [];
  readonly predicted: number[] = [];
  readonly scores: number[] = [];
  /** Of the protocol's size bins; -1: not known. */
  readonly bins: number[] = [];
  readonly units: number[] = [];
  private readonly unitOf = new Map<string, number>();
  private readonly imageOf = new Map<string, number>();

  constructor(readonly sizeBounds: number[]) {}

  get unitCount(): number {
    return this.unitOf.size;
  }
  get imageCount(): number {
    return this.imageOf.size;
  }

  add({ sha256, label, predicted, score, width, drive }: MeasuredLight): void {
    this.labels.push(label);
    this.predicted.push(predicted);
    this.scores.push(score);
    this.bins.push(width === null ? -1 : this.sizeBounds.filter((bound) => width >= bound).length);
    this.units.push(numberOf(this.unitOf, drive === null ? `image ${sha256}` : `drive ${drive}`));
    numberOf(this.imageOf, sha256);
  }

  /** [0]: every size; then by size bin. */
  count(classes: number, weights: Int32Array | null): LightCounts[] {
    const counts = [null, ...this.sizeBounds, null].map(() => emptyCounts(classes));
    for (let i = 0; i < this.labels.length; i++) {
      const weight = weights ? weights[this.units[i]!]! : 1;
      if (weight === 0) continue;
      addLight(counts[0]!, classes, this, i, weight);
      if (this.bins[i]! >= 0) addLight(counts[this.bins[i]! + 1]!, classes, this, i, weight);
    }
    return counts;
  }
}

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}

function addLight(counts: LightCounts, classes: number, set: LightSet, i: number, weight: number): void {
  const [label, predicted, score] = [set.labels[i]!, set.predicted[i]!, set.scores[i]!];
  counts.confusion[label * classes + predicted]! += weight;
  if (Number.isNaN(score)) return;
  const bin = scoreBin(score);
  counts.n[bin]! += weight;
  counts.scores[bin]! += weight * score;
  if (label === predicted) counts.right[bin]! += weight;
}

/** Resamples between two turns of the event loop: 25 ms at 10,000 lights. */
const TURN = 100;

export class LightMeasure {
  private readonly sets: LightSet[];

  constructor(
    private readonly scope: Scope,
    private readonly slices: readonly Slice[],
  ) {
    this.sets = slices.map(() => new LightSet(scope.protocol.sizeBounds));
  }

  /** @param places indices of the slices that the light is in */
  add(light: MeasuredLight, places: readonly number[]): void {
    for (const place of places) this.sets[place]!.add(light);
  }

  async figures(signal?: AbortSignal): Promise<SliceFigures[]> {
    const found: SliceFigures[] = [];
    for (const [place, slice] of this.slices.entries())
      found.push(await this.figuresOfSlice(slice, this.sets[place]!, signal));
    return found;
  }

  private async figuresOfSlice(slice: Slice, set: LightSet, signal?: AbortSignal): Promise<SliceFigures> {
    const { classes } = this.scope;
    const counts = set.count(classes.length, null);
    const { confusion } = counts[0]!;
    const correct = confusion.reduce((sum, n, at) => (at % (classes.length + 1) === 0 ? sum + n : sum), 0);
    const details: StateDetails = { reliability: reliabilityOf(counts[0]!) };
    return {
      ...{ ...slice, images: set.imageCount, n: set.labels.length, correct },
      ...{ confusion: [...confusion], details, cells: await this.cells(set, counts, signal) },
    };
  }

  private async cells(set: LightSet, counts: LightCounts[], signal?: AbortSignal): Promise<CellFigure[]> {
    const { classes, protocol } = this.scope;
    const figures = counts.map((one) => lightFigures(classes, one));
    const rows = await this.resample(set, figures, signal);
    const wilson = ({ successes }: LightFigure) =>
      successes !== null && protocol.intervalMethod !== 'BOOTSTRAP';
    return figures.flatMap((list, size) =>
      list.map((figure, at): CellFigure => {
        const { metric, class: name, value, n, successes } = figure;
        const cell = { metric, class: name, sizeBin: size === 0 ? null : size - 1, value, n };
        if (wilson(figure)) {
          const interval = n === 0 ? NO_INTERVAL : wilsonAt(successes!, n, protocol.confidence);
          return { ...cell, ...interval, method: 'WILSON' };
        }
        const resampled = n >= protocol.minimumN ? rows[size]?.[at] : undefined;
        const interval = resampled && percentileInterval(resampled, protocol.confidence).interval;
        return { ...cell, ...(interval ?? NO_INTERVAL), method: 'BOOTSTRAP' };
      }),
    );
  }

  /** [size][figure][resample]; NaN: the resample does not have the figure. */
  private async resample(
    set: LightSet,
    figures: LightFigure[][],
    signal?: AbortSignal,
  ): Promise<Float64Array[][]> {
    const { classes, protocol } = this.scope;
    if (set.labels.length < protocol.minimumN) return [];
    const rows = figures.map((list) => list.map(() => new Float64Array(protocol.resamples)));
    const weights = new Int32Array(set.unitCount);
    for (let resample = 0; resample < protocol.resamples; resample++) {
      if (resample % TURN === 0) await turn(undefined, signal && { signal });
      drawUnits(set.unitCount, protocol.seed, resample, weights);
      set.count(classes.length, weights).forEach((counts, size) =>
        lightFigures(classes, counts).forEach(({ value }, at) => {
          rows[size]![at]![resample] = value ?? NaN;
        }),
      );
    }
    return rows;
  }
}

const reliabilityOf = ({ n, scores, right }: LightCounts): StateDetails['reliability'] =>
  Array.from({ length: SCORE_BINS }, (_, bin) => ({
    lower: bin / SCORE_BINS,
    upper: (bin + 1) / SCORE_BINS,
    n: n[bin]!,
    score: n[bin] === 0 ? null : scores[bin]! / n[bin]!,
    accuracy: n[bin] === 0 ? null : right[bin]! / n[bin]!,
  }));
