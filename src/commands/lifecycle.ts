/** How a process ends: on Ctrl-C it drains once, and what was started last stops first. */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ShingoError, messageOf } from '../platform/error.js';
import type { Log } from '../platform/log.js';

/** One Ctrl-C comes several times: from the terminal to the whole group, and passed on by npm and by scripts/run.mjs. */
const SAME_KEYSTROKE_MS = 1000;

export class Lifecycle implements AsyncDisposable {
  private readonly stops: { name: string; stop: () => Promise<void> }[] = [];
  private readonly interruption = new AbortController();
  private interruptedAt = -Infinity;
  private readonly onSignal = (signal: NodeJS.Signals) => {
    if (this.interruption.signal.aborted) {
      if (performance.now() - this.interruptedAt < SAME_KEYSTROKE_MS) return;
      this.log.warn({ signal }, 'asked to stop twice: stopping at once');
      process.exit(130);
    }
    this.log.info({ signal }, 'stopping: work in progress is saved first; once more stops at once');
    this.interruptedAt = performance.now();
    this.interruption.abort();
  };

  constructor(private readonly log: Log) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.onSignal);
  }

  /** Aborted when the process was asked to stop. */
  get interrupted(): AbortSignal {
    return this.interruption.signal;
  }

  /** Keeps how to stop what was just started, and returns it. */
  started<T extends { stop(): Promise<void> }>(name: string, part: T): T {
    this.stops.push({ name, stop: () => part.stop() });
    return part;
  }

  async untilInterrupted(): Promise<void> {
    if (this.interrupted.aborted) return;
    await new Promise<void>((resolve) => {
      // A pending promise alone does not keep a process alive; its sockets do, and this where it has none.
      const alive = setInterval(() => undefined, 60_000);
      this.interrupted.addEventListener('abort', () => {
        clearInterval(alive);
        resolve();
      });
    });
  }

  /** Every part is stopped even if one fails to. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name, stop } of this.stops.reverse()) {
      try {
        await stop();
        this.log.info(`${name} stopped`);
      } catch (error) {
        this.log.error({ err: error }, `${name} did not stop cleanly: ${messageOf(error)}`);
      }
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.onSignal);
  }
}

/**
 * One `up` a data folder: two would fight over the embedded database. A lock whose process is gone is taken over.
 * @throws ShingoError ALREADY_RUNNING
 */
export async function lockDataDir(dataDir: string): Promise<{ stop(): Promise<void> }> {
  await mkdir(dataDir, { recursive: true });
  const file = join(dataDir, 'shingo.lock');
  for (let tries = 0; tries < 3; tries++) {
    try {
      const lock = await open(file, 'wx');
      await lock.writeFile(String(process.pid));
      await lock.close();
      return { stop: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const pid = Number(await readFile(file, 'utf8').catch(() => '0'));
      if (pid > 0 && isAlive(pid)) {
        throw new ShingoError(
          'ALREADY_RUNNING',
          `Shingo runs on ${dataDir} already (process ${pid}). Stop it, or set SHINGO_DATA_DIR to another folder.`,
        );
      }
      await rm(file, { force: true });
    }
  }
  throw new ShingoError('ALREADY_RUNNING', `Another process keeps taking ${file}.`);
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
