import { SingleBar } from 'cli-progress';

import { bytes, count, duration, perSecond } from './format.js';

export interface ProgressState {
  label: string;
  done: number;
  total: number;
  perSecond?: number | null;
  secondsLeft?: number | null;
  /** Default: images. */
  unit?: 'images' | 'B';
}

type Stream = NodeJS.WriteStream | (NodeJS.WritableStream & { isTTY?: boolean });
const PLAIN_EVERY_MS = 10_000;

/** A bar that redraws itself on a terminal; a plain line now and then where the output goes to a file. */
export class Progress {
  #bar: SingleBar | undefined;
  #last: ProgressState | undefined;
  #plainAt: number;

  constructor(
    readonly stream: Stream = process.stderr,
    readonly plainEveryMs = PLAIN_EVERY_MS,
  ) {
    this.#plainAt = Date.now() + plainEveryMs;
  }

  update(state: ProgressState): void {
    this.#last = state;
    if (this.stream.isTTY) this.#draw(state);
    else if (Date.now() >= this.#plainAt) {
      this.#plainAt = Date.now() + this.plainEveryMs;
      this.stream.write(`${plainLine(state)}\n`);
    }
  }

  /** Lets `print` write lines of its own: the bar steps aside and comes back below them. */
  aside(print: () => void): void {
    const last = this.#last;
    const drawn = this.#bar !== undefined;
    this.stop();
    print();
    if (drawn && last) this.update(last);
  }

  /** Removes the bar. It may be used again afterwards. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#last = undefined;
  }

  #draw(state: ProgressState): void {
    const total = Math.max(state.total, 1);
    if (!this.#bar) {
      this.#bar = new SingleBar({
        stream: this.stream,
        format: '  {label} {bar} {counted} · {speed} · {left} left',
        barsize: 28,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        clearOnComplete: true,
        hideCursor: false,
        fps: 8,
        gracefulExit: false,
      });
      this.#bar.start(total, Math.min(state.done, total), payload(state));
    }
    this.#bar.setTotal(total);
    this.#bar.update(Math.min(state.done, total), payload(state));
  }
}

function payload(state: ProgressState): Record<string, string> {
  const amount = state.unit === 'B' ? bytes : count;
  return {
    label: state.label,
    counted: `${amount(state.done)}/${amount(state.total)}`,
    speed: state.unit === 'B' ? `${bytes(state.perSecond ?? 0)}/s` : `${perSecond(state.perSecond)} images/s`,
    left: duration(state.secondsLeft),
  };
}

function plainLine(state: ProgressState): string {
  const { label, counted, speed, left } = payload(state);
  return `  ${label}: ${counted}, ${speed}, ${left} left`;
}

/** Speed and time left from the counts themselves, for work that this process does. */
export class Pace {
  readonly #start = performance.now();

  measure(done: number, total: number): { perSecond: number | null; secondsLeft: number | null } {
    const seconds = (performance.now() - this.#start) / 1000;
    if (done <= 0 || seconds <= 0) return { perSecond: null, secondsLeft: null };
    const rate = done / seconds;
    return { perSecond: rate, secondsLeft: (total - done) / rate };
  }
}
