/** Trainer processes that are running, and what their trainings have said so far. */
import { readdir, readFile } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import { readEvents } from '../../src/experiments/events/log.js';

/** Process ids of trainers that this process has forked. */
export async function trainers(): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [stat, command] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (Number(parent) === process.pid && command?.includes('trainerProcess')) found.push(Number(pid));
  }
  return found;
}

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
