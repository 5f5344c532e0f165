import { Metric } from '../metric.js';
import type { EventRow } from './event.js';

/** A row of kind METRIC as the API shows it. */
export function toMetric(row: EventRow): Metric {
  const { seq, time, step, name, split, condition, value, n, lower, upper, method } = row;
  const fields = { time, step, name, split, condition, class: row.class, value, n, lower, upper, method };
  return Object.assign(new Metric(), fields, { seq: Number(seq) });
}
