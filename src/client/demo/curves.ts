import asciichart from 'asciichart';

import { decimal, percent } from '../terminal/format.js';
import type { Colors } from '../terminal/screen.js';
import { type ConditionMetricEvent, type MetricEvent, real, type Split } from '../types.js';

type Series = Map<number, number>;
const key = (name: string, split: Split | null) => `${name}/${split}`;

/** What an experiment's events have said so far, by epoch. A later word on the same epoch replaces the earlier. */
export class Curves {
  readonly #series = new Map<string, Series>();
  readonly #conditions = new Map<number, Map<string, ConditionMetricEvent>>();

  add(event: MetricEvent): void {
    const series = this.#series.get(key(event.name, event.split)) ?? new Map<number, number>();
    series.set(event.step, real(event.value));
    this.#series.set(key(event.name, event.split), series);
  }

  addCondition(event: ConditionMetricEvent): void {
    if (event.name !== 'accuracy' || event.split !== 'VALIDATION') return;
    const byName = this.#conditions.get(event.step) ?? new Map<string, ConditionMetricEvent>();
    byName.set(event.condition, event);
    this.#conditions.set(event.step, byName);
  }

  get(name: string, split: Split, step: number): number | undefined {
    return this.#series.get(key(name, split))?.get(step);
  }

  /** In the order of the epochs. */
  values(name: string, split: Split): number[] {
    const series = this.#series.get(key(name, split)) ?? new Map<number, number>();
    return [...series].sort(([a], [b]) => a - b).map(([, value]) => value);
  }

  isComplete(step: number): boolean {
    return ['loss', 'accuracy'].every((name) =>
      (['TRAIN', 'VALIDATION'] as const).every((split) => this.get(name, split, step) !== undefined),
    );
  }

  lastStep(): number {
    return Math.max(0, ...[...this.#series.values()].flatMap((series) => [...series.keys()]));
  }

  /** Validation accuracy by condition in the last epoch that has any. */
  lastConditions(): ConditionMetricEvent[] {
    const last = Math.max(0, ...this.#conditions.keys());
    return [...(this.#conditions.get(last)?.values() ?? [])];
  }

  isBest(step: number): boolean {
    const value = this.get('loss', 'VALIDATION', step);
    if (value === undefined || !Number.isFinite(value)) return false;
    const earlier = [...(this.#series.get(key('loss', 'VALIDATION')) ?? [])].filter(
      ([other]) => other < step,
    );
    return earlier.every(([, other]) => !(other <= value));
  }
}

export const EPOCH_HEAD = '  epoch     loss: train   validation     accuracy: train   validation';

export function epochLine(curves: Curves, step: number, epochs: number | undefined, colors: Colors): string {
  const loss = (split: Split) => decimal(curves.get('loss', split, step));
  const accuracy = (split: Split) => percent(curves.get('accuracy', split, step));
  const name = `${step}${epochs ? `/${epochs}` : ''}`.padStart(7);
  const best = curves.isBest(step) ? colors.green('  best so far') : '';
  return (
    name +
    loss('TRAIN').padStart(16) +
    loss('VALIDATION').padStart(13) +
    accuracy('TRAIN').padStart(20) +
    accuracy('VALIDATION').padStart(13) +
    best
  );
}

const WIDTH = 64;
const HEIGHT = 10;

/** Training and validation loss over the epochs; undefined where there is no line to draw. */
export function lossChart(curves: Curves, colors: Colors): string | undefined {
  const train = curves.values('loss', 'TRAIN').filter(Number.isFinite);
  const validation = curves.values('loss', 'VALIDATION').filter(Number.isFinite);
  if (train.length < 2) return undefined;
  const axis = `${' '.repeat(10)}epoch 1 ${'·'.repeat(WIDTH - 12)} ${train.length}`;
  if (!colors.isColorSupported) {
    // Without colour two lines in one picture cannot be told apart.
    const both = [...train, ...validation];
    const scale = { min: Math.min(...both), max: Math.max(...both) };
    const plain = [`training loss\n${plot([train], 6, scale)}`];
    if (validation.length > 1) plain.push(`validation loss\n${plot([validation], 6, scale)}`);
    return [...plain, axis].join('\n');
  }
  const series = validation.length > 1 ? [train, validation] : [train];
  const legend = `loss   ${colors.cyan('── training')}   ${validation.length > 1 ? colors.yellow('── validation') : ''}`;
  return [legend, plot(series, HEIGHT, {}, [asciichart.cyan, asciichart.yellow]), colors.dim(axis)].join(
    '\n',
  );
}

function plot(
  series: number[][],
  height: number,
  scale: { min?: number; max?: number },
  colors?: string[],
): string {
  const format = (value: number) => value.toFixed(3).padStart(8);
  return asciichart.plot(
    series.map((values) => stretch(values, WIDTH)),
    { height, format, ...scale, ...(colors && { colors }) },
  );
}

/** asciichart draws one column a value: ten epochs would be ten characters wide. */
export function stretch(values: number[], width: number): number[] {
  if (values.length < 2 || values.length >= width) return values;
  return Array.from({ length: width }, (_, column) => {
    const at = (column / (width - 1)) * (values.length - 1);
    const left = Math.min(Math.floor(at), values.length - 2);
    return values[left]! + (values[left + 1]! - values[left]!) * (at - left);
  });
}
