import { createReadStream } from 'node:fs';
import { PassThrough, Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract, type Extract } from 'tar-stream';
import { ShingoError, messageOf } from '../error.js';
import { damaged, otherKind, type Guard } from './guard.js';
import type { ArchiveEntry } from './index.js';

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

const READ_BYTES = 2 ** 18;

export async function* tarEntries(
  localFile: string,
  gzipped: boolean,
  guard: Guard,
): AsyncGenerator<ArchiveEntry, void> {
  const unpacked = extract();
  const file = createReadStream(localFile, { highWaterMark: READ_BYTES });
  // The cause of an end: what the iterator throws is only that it was cut short.
  let cause: Error | null = null;
  pipeline(
    [file, gzipped ? createGunzip() : new PassThrough(), guard.meter(), unpacked as never],
    (error) => (cause ??= error ?? null),
  );
  const fail = (error: unknown): never => {
    const first = (cause ?? error) as NodeJS.ErrnoException;
    const ours = first instanceof ShingoError || (first.code !== undefined && first.syscall !== undefined);
    throw ours ? first : damaged(messageOf(first));
  };
  try {
    const listed = unpacked[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await listed.next().catch(fail);
      if (done) return;
      const entry = value;
      const found = check(entry, guard, fail);
      if (found) yield found;
      // What nobody read, or not to its end, is passed over; it is metered all the same.
      entry.resume();
    }
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

function check(entry: Entry, guard: Guard, fail: (error: unknown) => never): ArchiveEntry | null {
  const { name, size, type } = entry.header;
  if (type === 'directory') {
    guard.count();
    return null;
  }
  const path = guard.admit(name, size);
  if (type !== 'file' && type !== 'contiguous-file') throw otherKind(name, type ?? 'thing unknown');
  return { path, bytes: size, open: () => Readable.from(read(entry, fail), { objectMode: false }) };
}

async function* read(entry: Entry, fail: (error: unknown) => never): AsyncGenerator<Buffer, void> {
  try {
    yield* entry as AsyncIterable<Buffer>;
  } catch (error) {
    fail(error);
  }
}
