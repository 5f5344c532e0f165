import { ShingoError } from './error.js';

/** Lets work that takes many seconds of processor time in by turns, and refuses what would wait too long. */
export class Turns {
  private running = 0;
  private readonly queue: (() => void)[] = [];

  constructor(private readonly limits: { atATime: number; waiting: number }) {}

  /** @throws ShingoError TOO_BUSY, and what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.limits.atATime) {
      if (this.queue.length >= this.limits.waiting)
        throw new ShingoError('TOO_BUSY', 'Too many wait for this already; try again in a minute.', 503);
      // Whoever ends hands its turn on.
      await new Promise<void>((turn) => this.queue.push(turn));
    } else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
