/** Pictures made to take the service down: they are refused, and the service answers meanwhile. */
import fc from 'fast-check';
import sharp from 'sharp';
import { decoders } from '../../../src/catalog/image/picture/decoder.js';
import { inspectPicture } from '../../../src/catalog/image/picture/index.js';
import { pngBomb } from '../../support/bombs.js';
import { startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let bomb: Buffer;
let interlaced: Buffer;
beforeAll(async () => {
  service = await startTestService();
  bomb = await pngBomb(50_000, 50_000);
  interlaced = await pngBomb(50_000, 50_000, { interlaced: true });
});
afterAll(() => service.stop());

const codeOf = async (bytes: Buffer, limits = {}) =>
  inspectPicture(bytes, limits).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );
const NO_PIXEL_LIMIT = { maxPixels: 1e12 };

/** Asks again and again until `until` is settled. Returns the longest wait, in ms. */
async function longestWaitWhile(until: Promise<unknown>): Promise<number> {
  let over = false;
  void until.finally(() => (over = true)).catch(() => undefined);
  let longest = 0;
  let asked = 0;
  while (!over || asked === 0) {
    const start = performance.now();
    const { data } = await service.ask('{ projects(first: 1) { nodes { id } } }');
    expect(data.projects.nodes).toEqual([]);
    longest = Math.max(longest, performance.now() - start);
    asked += 1;
  }
  return longest;
}

test('a PNG of 50,000 × 50,000 pixels in 0.4 MB is refused from its header', async () => {
  expect(bomb.length).toBeLessThan(400_000);
  const answer = await service.put(bomb);
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
    422,
    'PICTURE_TOO_LARGE',
  ]);
});

test('without the limit of pixels, memory and time still end it, and the service answers meanwhile', async () => {
  const before = process.memoryUsage.rss();
  const [inMemory, inTime] = [
    codeOf(interlaced, { ...NO_PIXEL_LIMIT, timeoutSeconds: 5 }),
    codeOf(bomb, { ...NO_PIXEL_LIMIT, timeoutSeconds: 1 }),
  ];
  const longest = await longestWaitWhile(Promise.all([inMemory, inTime]));
  expect([await inMemory, await inTime]).toEqual(['PICTURE_TOO_LARGE', 'PICTURE_TOO_LARGE']);
  expect(longest).toBeLessThan(2000);
  // The pixels would be 2.5 GB.
  expect(process.memoryUsage.rss() - before).toBeLessThan(500 * 2 ** 20);
  const fine = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  expect((await service.put(fine)).status).toBe(201);
});

test('a decoder that is killed under a picture costs a second try, no more', async () => {
  const picture = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: 'red' } })
    .avif({ effort: 0 })
    .toBuffer();
  const before = new Set(decoders.pids);
  const decoding = inspectPicture(picture);
  const [pid] = decoders.pids;
  process.kill(pid as number, 'SIGKILL');
  for (const other of before) if (other !== pid) process.kill(other, 'SIGKILL');
  expect(await decoding).toMatchObject({ width: 6000, height: 6000 });
});

test('whatever bytes are changed, the answer is a code, and the service goes on', async () => {
  const formats = ['jpeg', 'png', 'webp', 'avif'] as const;
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 };
  const pictures = await Promise.all(
    formats.map((format) =>
      sharp({ create: { width: 70, height: 50, channels: 3, background: '#888', noise } })
        .toFormat(format)
        .toBuffer(),
    ),
  );
  const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...pictures),
      fc.array(change, { minLength: 1, maxLength: 30 }),
      async (picture, changes) => {
        const bytes = Buffer.from(picture);
        // Mostly in the headers, where sizes and offsets are.
        for (const { at, to } of changes) bytes[at % (at % 3 === 0 ? bytes.length : 200)] = to;
        const { status } = await service.put(bytes);
        expect([200, 201, 422]).toContain(status);
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);
