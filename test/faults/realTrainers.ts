/** Trainer processes that are running, and what their trainings have said so far. */
import type { DataSource } from 'typeorm';
import { readEvents } from '../../src/experiments/events/log.js';
import { processes } from './processes.js';

/** Process ids of trainers that this process has forked. */
export const trainers = async (): Promise<number[]> =>
  (await processes())
    .filter(({ parent, command }) => parent === process.pid && command.includes('trainerProcess'))
    .map(({ pid }) => pid);

/** Every metric that it has logged: epoch, name, split, condition and value. */
export const losses = async (db: DataSource, experimentUuid: string): Promise<string[]> =>
  (await readEvents(db, experimentUuid, 0, 1000)).flatMap((event) =>
    'value' in event
      ? [
          `${event.step} ${event.name} ${event.split} ${'condition' in event ? event.condition : 'all'} ${event.value}`,
        ]
      : [],
  );

export const epochsLogged = async (db: DataSource, experimentUuid: string): Promise<number> =>
  new Set((await losses(db, experimentUuid)).map((line) => line.split(' ')[0])).size;
