import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  attempts: number;
  /** Wait before the second try; doubles from there. */
  firstDelayMs: number;
  maxDelayMs: number;
}

export const REQUEST_POLICY: RetryPolicy = { attempts: 4, firstDelayMs: 200, maxDelayMs: 3_000 };
/** A socket may be gone for as long as a server takes to restart. */
export const SOCKET_POLICY: RetryPolicy = { attempts: 8, firstDelayMs: 250, maxDelayMs: 5_000 };

/** Half of the delay is random, so that many clients of a restarted server do not come back at once. */
export async function backOff(policy: RetryPolicy, failures: number, signal?: AbortSignal): Promise<void> {
  const full = Math.min(policy.firstDelayMs * 2 ** (failures - 1), policy.maxDelayMs);
  await sleep(full / 2 + (Math.random() * full) / 2, undefined, { signal });
}

/** Runs `task`; while `mayRetry` accepts its error, waits and runs it again, at most `policy.attempts` times. */
export async function withRetries<T>(
  task: () => Promise<T>,
  mayRetry: (error: unknown) => boolean,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await task();
    } catch (error) {
      if (failures >= policy.attempts || signal?.aborted || !mayRetry(error)) throw error;
      await backOff(policy, failures, signal);
    }
  }
}
