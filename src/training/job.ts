import type { TrainerMessage } from './protocol.js';

/** What training and evaluation know of whoever runs them. */
export interface Job {
  /** Resolves once the message is on its way; progress may be dropped when the receiver is slow. */
  send(message: TrainerMessage): Promise<void>;
  /** Aborted when the job is asked to stop: it does so at the next batch boundary. */
  signal: AbortSignal;
}

/** Gives timers and messages their turn: a batch on `wasm` blocks the event loop for its whole duration. */
export const yieldToEvents = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
