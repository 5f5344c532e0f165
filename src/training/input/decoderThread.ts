/** The thread behind `Decoder`: reads, looks into the cache, decodes what is not there. */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { decode, unreadable, type Decoded } from './decode.js';
import { DecodedCache, type CacheSettings } from './decodedCache.js';
import type { Answer, Question } from './decoder.js';

const settings = workerData as CacheSettings | null;
const cache = settings && new DecodedCache(settings);

async function answer({ source, request }: Question): Promise<Decoded> {
  const encoded = await readFile(source.file).catch((cause: unknown) => {
    throw unreadable(source.file, cause);
  });
  if (!cache) return decode(encoded, request, source);
  const key = cache.key(encoded, request);
  const known = await cache.get(key, request);
  if (known) return known;
  const decoded = await decode(encoded, request, source);
  await cache.put(key, decoded);
  return decoded;
}

/** Pictures decoded at a time; each may hold a full one (2.8 MB at 1280×720). */
const CONCURRENCY = 4;
const questions: Question[] = [];
let busy = 0;

async function work(): Promise<void> {
  busy += 1;
  for (let question = questions.shift(); question; question = questions.shift()) {
    const { id, source } = question;
    try {
      const decoded = await answer(question);
      parentPort!.postMessage({ id, decoded } satisfies Answer, [decoded.pixels.buffer as ArrayBuffer]);
    } catch (error) {
      const { code, message } = unreadable(source.file, error);
      parentPort!.postMessage({ id, error: { code, message } } satisfies Answer);
    }
  }
  busy -= 1;
}

parentPort!.on('message', (question: Question) => {
  questions.push(question);
  if (busy < CONCURRENCY) void work();
});
