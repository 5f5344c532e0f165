/** Experiments that are being logged, and what their clients see. */
import type { DataSource } from 'typeorm';
import type { NewMetric } from '../../../src/experiments/events/event.js';
import { appendEvents } from '../../../src/experiments/events/log.js';

export const metric = (step: number, value = step, more: Partial<NewMetric> = {}): NewMetric => ({
  ...{ kind: 'METRIC', name: 'loss', split: 'TRAIN', condition: null, step, value },
  ...{ n: 3, lower: null, upper: null, method: null },
  ...more,
});

export const append = (db: DataSource, uuid: string, ...events: Parameters<typeof appendEvents>[2]) =>
  db.transaction((manager) => appendEvents(manager, uuid, events));

export const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
