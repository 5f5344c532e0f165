/**
 * What a trainer has said and nobody has written down yet. Messages are taken one at a time, in order; of progress
 * only the newest counts, and it waits its turn, so that a chatty trainer costs four writes a second and no memory.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TrainerMessage } from '../../training/protocol.js';

export type Progress = Extract<TrainerMessage, { type: 'progress' }>;
export type Epoch = Extract<TrainerMessage, { type: 'epoch' }>;
export type Item = { type: 'epochs'; epochs: Epoch[] } | { type: 'end' } | Exclude<TrainerMessage, Epoch>;

const PROGRESS_MS = 250;
/** More than this unwritten is a trainer that has run wild. */
const MOST = 10_000;

export class Inbox {
  private readonly messages: TrainerMessage[] = [];
  private progress: Progress | undefined;
  private lastProgress = -Infinity;
  private ended = false;
  private wake: () => void = () => {};

  /** False: full; the trainer does not deserve to live. */
  put(message: TrainerMessage): boolean {
    if (this.ended) return true;
    if (message.type === 'progress') this.progress = message;
    else this.messages.push(message);
    this.wake();
    return this.messages.length <= MOST;
  }

  /** Nothing more will come; what is there is still taken. */
  end(): void {
    this.ended = true;
    this.progress = undefined;
    this.wake();
  }

  /**
   * The next message. Epochs that have piled up come together: they are stored in one transaction with the newest
   * checkpoint, because the trainer deletes older ones and may be faster than the disk of the blob store.
   */
  async take(): Promise<Item> {
    for (;;) {
      const message = this.messages.shift();
      if (message?.type === 'epoch') return { type: 'epochs', epochs: [message, ...this.moreEpochs()] };
      if (message) return message;
      if (this.ended) return { type: 'end' };
      const wait = this.lastProgress + PROGRESS_MS - performance.now();
      if (this.progress && wait <= 0) return this.takeProgress(this.progress);
      await this.news(this.progress ? wait : undefined);
    }
  }

  /** Waits for epochs that must be on their way: the trainer has deleted a checkpoint because it has newer ones. */
  async laterEpochs(ms: number): Promise<Epoch[]> {
    for (const end = performance.now() + ms; ;) {
      const epochs = this.moreEpochs();
      if (epochs.length > 0 || this.ended || performance.now() >= end) return epochs;
      await this.news(end - performance.now());
    }
  }

  /** Epochs that wait behind others; log lines between them come after. */
  private moreEpochs(): Epoch[] {
    const epochs: Epoch[] = [];
    for (let at = 0; at < this.messages.length;) {
      const message = this.messages[at];
      if (message?.type === 'epoch') {
        epochs.push(message);
        this.messages.splice(at, 1);
      } else if (message?.type === 'log') at += 1;
      else break;
    }
    return epochs;
  }

  private takeProgress(progress: Progress): Progress {
    this.progress = undefined;
    this.lastProgress = performance.now();
    return progress;
  }

  private async news(ms: number | undefined): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.wake = resolve));
    if (ms === undefined) await woken;
    else {
      const timer = new AbortController();
      await Promise.race([woken, sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
    }
    this.wake = () => {};
  }
}
