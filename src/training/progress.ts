/** Counts images of the whole job and reports at most four times a second. */
import type { TrainerMessage } from './protocol.js';

type ProgressMessage = Extract<TrainerMessage, { type: 'progress' }>;
export type Phase = ProgressMessage['phase'];

const INTERVAL_MS = 250;
/** Long enough to smooth batches, short enough to show that a machine got busy. */
const WINDOW_MS = 5000;

export class Progress {
  private readonly start: { time: number; done: number };
  private readonly recent: { time: number; done: number }[] = [];
  private lastReport = -Infinity;

  constructor(
    private readonly report: (message: ProgressMessage) => void,
    private readonly total: number,
    private readonly epochs: number | null = null,
    private done = 0,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.start = { time: now(), done };
    this.recent.push(this.start);
  }

  /** `images` more are done. While loading nothing is. */
  advance(phase: Phase, images: number, epoch: number | null = null): void {
    const time = this.now();
    this.done += images;
    this.recent.push({ time, done: this.done });
    while (this.recent.length > 2 && time - this.recent[0]!.time > WINDOW_MS) this.recent.shift();
    if (time - this.lastReport < INTERVAL_MS) return;
    this.lastReport = time;
    this.report({
      type: 'progress',
      phase,
      epoch,
      epochs: this.epochs,
      done: this.done,
      total: this.total,
      imagesPerSecond: rate(this.recent[0]!, { time, done: this.done }),
      secondsLeft: this.secondsLeft(time),
    });
  }

  get imagesDone(): number {
    return this.done;
  }

  /** From the average since the start, which holds the job's mix of training and (much faster) validation. */
  private secondsLeft(time: number): number | null {
    const average = rate(this.start, { time, done: this.done });
    return average > 0 ? (this.total - this.done) / average : null;
  }
}

function rate(from: { time: number; done: number }, to: { time: number; done: number }): number {
  const seconds = (to.time - from.time) / 1000;
  return seconds > 0 ? (to.done - from.done) / seconds : 0;
}
