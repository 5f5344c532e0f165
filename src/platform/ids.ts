import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** Filled at once: 16 bytes at a time cost 3 µs an id, ten times all the rest, and an import makes millions. */
const pool = new Uint8Array(64 * 1024);
let at = pool.length;
let msecs = 0;
let seq = 0;

/** UUIDv7: ordered by time of creation, so that new rows land at the end of their index. */
export function newId(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  const random = pool.subarray(at, (at += 16));
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    // 31 bits to begin with: 2^31 ids within a millisecond still count up.
    seq = ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
  } else seq += 1;
  return v7({ random, msecs, seq });
}
