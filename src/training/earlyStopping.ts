/** Which epoch is the best by what is monitored, and when waiting for a better one has lasted too long. */
import { TrainingError } from './error.js';
import type { Metric, TrainingParameters } from './protocol.js';

export type Monitor = TrainingParameters['monitor'];

export interface EarlyStoppingState {
  bestEpoch: number;
  /** Null: not a number. */
  bestValue: number | null;
  /** Epochs since the best one. */
  waited: number;
}

export class EarlyStopping {
  constructor(
    private readonly patience: number | null,
    private readonly mode: 'min' | 'max',
    public state: EarlyStoppingState | null = null,
  ) {}

  /** Whether this epoch is the best so far. An equal value is no improvement, and any is one on what is no number. */
  observe(epoch: number, value: number): boolean {
    const bestValue = Number.isFinite(value) ? value : null;
    const improved = !this.state || this.better(bestValue, this.state.bestValue);
    if (improved) this.state = { bestEpoch: epoch, bestValue, waited: 0 };
    else this.state!.waited += 1;
    return improved;
  }

  get exhausted(): boolean {
    return this.patience !== null && this.state !== null && this.state.waited >= this.patience;
  }

  private better(value: number | null, best: number | null): boolean {
    if (value === null || best === null) return value !== null;
    return this.mode === 'min' ? value < best : value > best;
  }
}

/** Losses and errors are to fall; what else is logged is to rise. */
export function modeOf({ mode, metric }: Monitor): 'min' | 'max' {
  if (mode !== 'auto') return mode;
  return /^(.*_)?loss$|^objective$|^ece$|^red_as_green$/.test(metric) ? 'min' : 'max';
}

/**
 * The value of the metric in an epoch. Where there is nothing to validate on, TRAIN stands in for VALIDATION.
 * @throws TrainingError METRIC_MISSING
 */
export function monitored(monitor: Monitor, metrics: readonly Metric[]): number {
  const validated = metrics.some(({ split }) => split === 'VALIDATION');
  const split = validated ? monitor.split : 'TRAIN';
  const found = metrics.find(
    (metric) =>
      metric.name === monitor.metric && metric.split === split && metric.condition === monitor.condition,
  );
  if (found) return found.value;
  const logged = [...new Set(metrics.map(nameOf))].slice(0, 50).join(', ');
  throw new TrainingError(
    'METRIC_MISSING',
    `Nothing is logged as ${nameOf({ name: monitor.metric, split, condition: monitor.condition })}, which is to be monitored; there are ${logged}.`,
  );
}

const nameOf = ({ name, split, condition }: Pick<Metric, 'name' | 'split' | 'condition'>): string =>
  `${name} of ${split}${condition === null ? '' : ` in ${condition}`}`;
