/** Windows that training cuts from frames: pixels and boxes move together. */
import fc from 'fast-check';
import { cutAtRandom } from '../../../src/training/tasks/lightDetection/cut.js';
import { generator } from '../../../src/training/random.js';

const size = { width: 200, height: 120 };
/** Each pixel says where it is. */
const pixels = Uint8Array.from({ length: size.width * size.height * 3 }, (_, i) => {
  const at = Math.floor(i / 3);
  return [at % size.width, Math.floor(at / size.width), 0][i % 3]!;
});
/** The picture that was decoded is four times as large. */
const native = { width: 4 * size.width, height: 4 * size.height };
const window = { width: 64, height: 32 };
const box = fc
  .tuple(fc.double({ min: 0, max: 700, noNaN: true }), fc.double({ min: 0, max: 400, noNaN: true }))
  .chain(([x, y]) =>
    fc.record({
      x: fc.constant(x),
      y: fc.constant(y),
      width: fc.double({ min: 1, max: native.width - x, noNaN: true }),
      height: fc.double({ min: 1, max: native.height - y, noNaN: true }),
      label: fc.constantFrom(0, 1),
      ignore: fc.boolean(),
    }),
  );

test('a box is where its pixels are, cut at the edges, and ignored when less than half of it is left', () => {
  fc.assert(
    fc.property(fc.array(box, { maxLength: 6 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }), (boxes, seed) => {
      const got = cutAtRandom({ pixels, native, boxes }, size, window, generator(seed));
      expect(got.pixels).toHaveLength(window.width * window.height * 3);
      expect(got.native).toEqual({ width: 256, height: 128 });
      const [left, top] = [got.pixels[0]! * 4, got.pixels[1]! * 4];
      const last = got.pixels.length - 3;
      expect([got.pixels[last]! * 4, got.pixels[last + 1]! * 4]).toEqual([left + 252, top + 124]);
      const expected = boxes.flatMap((one) => {
        const x = Math.max(one.x, left);
        const y = Math.max(one.y, top);
        const width = Math.min(one.x + one.width, left + 256) - x;
        const height = Math.min(one.y + one.height, top + 128) - y;
        return width > 1e-6 && height > 1e-6 ? [{ ...one, x: x - left, y: y - top, width, height }] : [];
      });
      const seen = got.boxes.filter(({ width, height }) => width > 1e-6 && height > 1e-6);
      expect(seen).toHaveLength(expected.length);
      seen.forEach((one, i) => {
        for (const side of ['x', 'y', 'width', 'height'] as const)
          expect(one[side]).toBeCloseTo(expected[i]![side], 6);
        expect(one.label).toBe(expected[i]!.label);
      });
    }),
  );
});

test('two of three windows of a frame have its light in them, and are not all alike', () => {
  const light = { x: 380, y: 200, width: 8, height: 16, label: 0, ignore: false };
  const lefts = new Set<number>();
  let within = 0;
  for (let seed = 0; seed < 600; seed++) {
    const got = cutAtRandom({ pixels, native, boxes: [light] }, size, window, generator(seed));
    lefts.add(got.pixels[0]!);
    if (got.boxes.some(({ ignore }) => !ignore)) within += 1;
  }
  // Two thirds by choice, and one in six of the others by chance.
  expect(within / 600).toBeGreaterThan(0.6);
  expect(within / 600).toBeLessThan(0.8);
  expect(lefts.size).toBeGreaterThan(50);
});

test('a frame without lights gives windows of the road', () => {
  const got = cutAtRandom({ pixels, native, boxes: [] }, size, window, generator(1));
  expect(got.boxes).toEqual([]);
});
