/** Near hashes among all are those that a comparison of all pairs finds, however the hashes crowd. */
import fc from 'fast-check';
import { seededRandom } from '../../../seeds/random.js';
import type { Hashes } from '../../../src/catalog/image/hashes/bands.js';
import { MAX_DISTANCE, nearAny, nearPairs, ones } from '../../../src/catalog/image/hashes/hamming.js';

const word = fc.nat(2 ** 32 - 1);
const hash = fc.tuple(word, word);
/** A few bits beside one of three hashes, black pictures, a camera whose top 16 bits never change, and any. */
const crowded = fc.oneof(
  fc
    .tuple(fc.constantFrom(0x0123abcd, 0x7fffffff, 0), fc.array(fc.nat(63), { maxLength: 9 }))
    .map(([base, flips]) =>
      flips.reduce<[number, number]>(
        ([high, low], bit) => (bit < 32 ? [high, low ^ (1 << bit)] : [high ^ (1 << (bit - 32)), low]),
        [base, ~base],
      ),
    ),
  fc.constant<[number, number]>([0, 0]),
  hash.map(([high, low]): [number, number] => [(high & 0xffff) | 0x12340000, low]),
  hash,
);
const hashesOf = (pairs: [number, number][]): Hashes => ({
  high: Uint32Array.from(pairs, ([high]) => high),
  low: Uint32Array.from(pairs, ([, low]) => low),
});
const apart = (x: Hashes, i: number, y: Hashes, j: number) =>
  ones(x.high[i]! ^ y.high[j]!) + ones(x.low[i]! ^ y.low[j]!);
const distance = fc.integer({ min: 0, max: MAX_DISTANCE });

test('the number of ones is that of the digits', () => {
  fc.assert(fc.property(word, (n) => expect(ones(n)).toBe(n.toString(2).replaceAll('0', '').length)));
});

async function pairsOf(hashes: Hashes, within: number): Promise<string[]> {
  const found: string[] = [];
  await nearPairs(
    hashes,
    within,
    (a, b, bits) => found.push(`${a} ${b} ${bits}`),
    () => undefined,
  );
  return found.sort();
}

function slowPairs(hashes: Hashes, within: number): string[] {
  const found: string[] = [];
  for (let a = 0; a < hashes.high.length; a++)
    for (let b = a + 1; b < hashes.high.length; b++)
      if (apart(hashes, a, hashes, b) <= within) found.push(`${a} ${b} ${apart(hashes, a, hashes, b)}`);
  return found.sort();
}

test('every pair is found once, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(crowded, { maxLength: 60 }), distance, async (pairs, within) => {
      const hashes = hashesOf(pairs);
      expect(await pairsOf(hashes, within)).toEqual(slowPairs(hashes, within));
    }),
    { numRuns: 400 },
  );
});

test.each([0, 1, 4, 7])('also of 1,500 hashes that crowd, at distance %i', async (within) => {
  const random = seededRandom(within + 1);
  const bits = () => Math.floor(random() * 2 ** 32);
  // Half are nights with 10 ones on average; half are 40 kinds of road with 4 bits of noise.
  const rows = Array.from({ length: 1500 }, (_, n): [number, number] =>
    n % 2
      ? [bits() & bits() & bits() & 0xffff, bits() & bits() & bits()]
      : [Math.imul(n % 40, 0x9e3779b1) ^ (bits() & bits() & bits() & bits()), Math.imul(n % 40, 0x85ebca6b)],
  );
  const hashes = hashesOf(rows);
  const slow = slowPairs(hashes, within);
  expect(slow.length).toBeGreaterThan(within);
  // As one text: a difference of 100,000 lines takes jest minutes to show.
  expect((await pairsOf(hashes, within)).join() === slow.join()).toBe(true);
});

test('for each held hash a known one is named where there is one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(crowded, { maxLength: 40 }),
      fc.array(crowded, { maxLength: 40 }),
      distance,
      async (a, b, within) => {
        const [known, held] = [hashesOf(a), hashesOf(b)];
        const found = await nearAny(known, held, within, () => undefined);
        b.forEach((_, at) => {
          const near = a.flatMap((__, n) => (apart(known, n, held, at) <= within ? [n] : []));
          if (near.length === 0) return expect(found.known[at]).toBe(-1);
          expect(near).toContain(found.known[at]);
          expect(found.apart[at]).toBe(apart(known, found.known[at]!, held, at));
        });
      },
    ),
    { numRuns: 300 },
  );
});

test('what is no longer wanted ends at the next pause', async () => {
  const hashes = hashesOf(Array.from({ length: 100 }, (_, n) => [n, n]));
  const stopped = nearPairs(
    hashes,
    7,
    () => undefined,
    (done) => {
      if (done === 2) throw new Error('cancelled');
    },
  );
  await expect(stopped).rejects.toThrow('cancelled');
});
