/**
 * Decodes pictures while the network trains. A step on `wasm` holds the trainer's own thread for its whole duration, and
 * with it every step from one decoding to the next; here a second thread takes them, and sharp's native threads decode.
 */
import { Worker } from 'node:worker_threads';
import { TrainingError } from '../error.js';
import type { Decoded, DecodeRequest, Source } from './decode.js';
import type { CacheSettings } from './decodedCache.js';

export interface Question {
  id: number;
  source: Source;
  request: DecodeRequest;
}
export type Answer =
  { id: number; decoded: Decoded } | { id: number; error: Pick<TrainingError, 'code' | 'message'> };

interface Waiting {
  resolve(decoded: Decoded): void;
  reject(error: Error): void;
}

export class Decoder {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  /** @param cache null decodes every picture anew */
  constructor(private readonly cache: CacheSettings | null = null) {}

  /**
   * Handed to the thread at once: it must have the next ones while this thread is held.
   * @throws TrainingError PICTURE_UNREADABLE, BOX_OUTSIDE_PICTURE
   */
  decode(source: Source, request: DecodeRequest): Promise<Decoded> {
    return new Promise((resolve, reject) => {
      const id = (this.last += 1);
      this.waiting.set(id, { resolve, reject });
      this.worker ??= this.start();
      // Only a question keeps the process alive.
      this.worker.ref();
      this.worker.postMessage({ id, source, request } satisfies Question);
    });
  }

  /** What was not answered yet fails. */
  close(): void {
    void this.worker?.terminate();
    this.fail(new Error('The decoder was closed.'));
  }

  private start(): Worker {
    const worker = new Worker(new URL('./decoderThread.js', import.meta.url), { workerData: this.cache });
    worker.on('message', (answer: Answer) => this.receive(answer));
    worker.on('error', (error) => this.fail(error));
    return worker;
  }

  private receive(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (!this.waiting.size) this.worker?.unref();
    if ('decoded' in answer) waiting?.resolve(answer.decoded);
    else waiting?.reject(new TrainingError(answer.error.code, answer.error.message));
  }

  private fail(error: Error): void {
    this.worker = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const one of waiting) one.reject(error);
  }
}
