/** The child's side of a ProcessPool. */
import { writeFile } from 'node:fs/promises';
import { EXIT_MEMORY } from './processPool.js';

/** How often a child looks at its own size; native code takes about 100 MB between two looks at most. */
const LOOK_MS = 50;

/** Answers one request after another. `answer` must not throw: what went wrong is part of its reply. */
export function serveRequests<Request, Reply extends object>(
  maxMemoryBytes: number,
  answer: (request: Request) => Promise<Reply>,
): void {
  process.on('message', (request) => {
    void answer(request as Request).then((reply) => process.send?.(reply));
  });
  process.once('disconnect', () => process.exit(0));
  setInterval(() => {
    if (process.memoryUsage.rss() > maxMemoryBytes) process.exit(EXIT_MEMORY);
  }, LOOK_MS).unref();
  // Where a whole machine runs out of memory, this process goes before the service does. Linux only.
  void writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined);
}
