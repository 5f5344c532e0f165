/** Tries again what fails because the blob store is away, for as long as whoever asks has patience. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isUnavailable } from '../blobs.js';

const FIRST_MS = 200;
const LONGEST_MS = 5_000;

export class Patience {
  private readonly over = new AbortController();

  /** @param ms 0: a request, which would rather be told */
  constructor(private readonly ms: number) {}

  hurry(): void {
    this.over.abort();
  }

  /** @throws the last error, when patience has run out */
  async try<T>(work: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.ms;
    for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, LONGEST_MS)) {
      try {
        return await work();
      } catch (error) {
        if (!isUnavailable(error) || this.over.signal.aborted || performance.now() + wait > until)
          throw error;
        // Not all at once: a store that comes back has many who wait.
        await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal: this.over.signal }).catch(
          () => undefined,
        );
      }
    }
  }
}
