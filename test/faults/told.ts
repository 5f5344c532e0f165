import type { DataSource } from 'typeorm';
import { readEvents } from '../../src/experiments/events/log.js';

/**
 * What the log of a training says, without its times, sorted: a worker that had to wait may write down a few epochs at
 * once, between other lines than one that had not. Its numbers have no gap.
 */
export async function told(db: DataSource, experimentUuid: string): Promise<string[]> {
  const events = await readEvents(db, experimentUuid, 0, 10_000);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  return events.map(({ seq: _, time: __, ...event }) => JSON.stringify(event)).sort();
}
