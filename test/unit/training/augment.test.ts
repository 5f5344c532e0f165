import {
  augmented,
  drawsOf,
  mirroredLabels,
  moveBox,
  windowOf,
  type Picture,
} from '../../../src/training/input/augment/index.js';
import { meanLuma } from '../../../src/training/input/augment/picture.js';
import { trainingParametersSchema } from '../../../src/training/protocol.js';

type Change = Partial<ReturnType<typeof trainingParametersSchema.parse>['augmentation']>;
const NONE = { flip: 0, crop: 0, scale: 0, shift: 0, color: 0, night: 0, rain: 0, fog: 0 };
const size = { width: 48, height: 32 };

/** A grey gradient with a bright block of one colour. */
function picture(box = { x: 10, y: 6, width: 8, height: 8 }, color = [240, 40, 30]): Picture {
  const { width, height } = size;
  const data = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inside = x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = inside ? color[c]! : 80 + x + y + c;
    }
  return { data, ...size };
}

function change(change: Change, { item = 0, epoch = 1, mayFlip = true, frame = false, of = picture() } = {}) {
  const augmentation = { ...NONE, ...change };
  const draw = drawsOf(11, epoch, item);
  const window = windowOf(augmentation, size, draw, mayFlip);
  return { window, picture: augmented(of, augmentation, window, draw, frame) };
}

const all: Change = {
  flip: 0.5,
  crop: 0.3,
  scale: 0.2,
  shift: 0.1,
  color: 1,
  night: 0.5,
  rain: 0.5,
  fog: 0.5,
};
const pixel = ({ data, width }: Picture, x: number, y: number) =>
  Array.from(data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));

describe('what is drawn', () => {
  it('follows from seed, epoch and item', () => {
    expect(change(all, { item: 3 })).toEqual(change(all, { item: 3 }));
    expect(change(all, { item: 3 }).picture).not.toEqual(change(all, { item: 4 }).picture);
    expect(change(all, { epoch: 2 }).picture).not.toEqual(change(all, { epoch: 1 }).picture);
  });

  it('of one effect leaves the others as they were', () => {
    const windows = [all, { ...all, night: 0, color: 0.2 }].map((one) => change(one, { item: 9 }).window);
    expect(windows[1]).toEqual(windows[0]);
  });

  it('happens as often as is asked', () => {
    const plain = change({}).picture;
    for (const effect of ['night', 'rain', 'fog', 'flip'] as const) {
      const items = Array.from({ length: 200 }, (_, item) => item);
      const changed = items.filter((item) => {
        const { data } = change({ [effect]: 0.3 }, { item }).picture;
        return data.some((value, i) => value !== plain.data[i]);
      });
      // Three standard deviations of a proportion of 0.3 in 200.
      expect(Math.abs(changed.length / 200 - 0.3)).toBeLessThan(0.1);
    }
  });

  it('changes nothing when all is off, and never the picture itself', () => {
    const of = picture();
    expect(change({}, { of }).picture).toEqual(picture());
    change(all, { of });
    expect(of).toEqual(picture());
  });

  it('stays between 0 and 255', () => {
    for (let item = 0; item < 10; item++)
      expect(
        change({ ...all, night: 1, rain: 1, fog: 1 }, { item }).picture.data.every((v) => v >= 0 && v <= 255),
      ).toBe(true);
  });
});

describe('geometry', () => {
  it('shifts by whole pixels, and repeats the edge', () => {
    const shifts = new Set<string>();
    for (let item = 0; item < 150; item++) {
      const { picture: moved, window } = change({ shift: 1 / 16 }, { item });
      const [dx, dy] = [Math.round(-window.left * 48), Math.round(-window.top * 32)];
      shifts.add(`${dx},${dy}`);
      const source = picture();
      for (const [x, y] of [
        [0, 0],
        [20, 15],
        [47, 31],
      ] as const) {
        const clamp = (value: number, n: number) => Math.min(Math.max(value, 0), n - 1);
        expect(pixel(moved, x, y)).toEqual(pixel(source, clamp(x - dx, 48), clamp(y - dy, 32)));
      }
    }
    // 3 px either way across, 2 up and down.
    expect(shifts.size).toBe(7 * 5);
  });

  it('mirrors exactly, and back', () => {
    const mirrored = change({ flip: 1 }).picture;
    for (const [x, y] of [
      [0, 0],
      [12, 7],
      [47, 31],
    ] as const)
      expect(pixel(mirrored, x, y)).toEqual(pixel(picture(), 47 - x, y));
    expect(change({ flip: 1 }, { of: mirrored }).picture).toEqual(picture());
  });

  it('takes boxes along: what was bright is where its box says', () => {
    const box = { x: 20, y: 10, width: 8, height: 8, label: 2 };
    for (let item = 0; item < 60; item++) {
      const { window, picture: seen } = change(
        { flip: 0.5, crop: 0.3, scale: 0.3, shift: 0.2 },
        { item, of: picture(box) },
      );
      const moved = moveBox(box, window, size);
      const bright: [number, number][] = [];
      for (let y = 0; y < 32; y++)
        for (let x = 0; x < 48; x++) {
          const [r, g] = pixel(seen, x, y) as [number, number];
          if (r - g > 100) bright.push([x + 0.5, y + 0.5]);
        }
      // Beyond the edge these are repeated, so only what is wholly seen is compared.
      if (!moved || moved.visible < 0.999) continue;
      const { x, y, width, height, label } = moved.box;
      expect(label).toBe(2);
      const xs = bright.map(([x]) => x);
      const ys = bright.map(([, y]) => y);
      expect(Math.abs(Math.min(...xs) - 0.5 - x)).toBeLessThan(1);
      expect(Math.abs(Math.max(...xs) + 0.5 - x - width)).toBeLessThan(1);
      expect(Math.abs(Math.min(...ys) - 0.5 - y)).toBeLessThan(1);
      expect(Math.abs(Math.max(...ys) + 0.5 - y - height)).toBeLessThan(1);
    }
  });

  it('cuts boxes at the edge, says how much is left, and drops what is gone', () => {
    const still = { left: 0, top: 0, width: 1, height: 1, flip: false };
    const box = { x: 0, y: 8, width: 8, height: 8 };
    const half = moveBox(box, { ...still, left: 4 / 48 }, size)!;
    expect(half).toEqual({ box: { x: 0, y: 8, width: 4, height: 8 }, visible: 0.5 });
    expect(moveBox(box, { ...still, left: 0.5 }, size)).toBeNull();
    expect(moveBox(box, { ...still, flip: true }, size)!.box).toEqual({ ...box, x: 40 });
  });
});

describe('mirrored labels', () => {
  it('are the same without a side, and change places with one', () => {
    expect(mirroredLabels(['RED', 'GREEN', 'YELLOW', 'RED_STRAIGHT'])).toEqual([0, 1, 2, 3]);
    expect(mirroredLabels(['GreenLeft', 'Green', 'GreenRight'])).toEqual([2, 1, 0]);
    expect(mirroredLabels(['RED:DIAGONAL_LEFT', 'RED:DIAGONAL_RIGHT', 'RED:LEFT'])).toEqual([1, 0, null]);
    expect(mirroredLabels(['red_straight_left', 'red_straight_right'])).toEqual([1, 0]);
    expect(mirroredLabels(['LEFT+RIGHT'])).toEqual([null]);
  });

  it('keep a left arrow from being read as one: what has no mirror image is not flipped', () => {
    for (let item = 0; item < 20; item++)
      expect(change({ flip: 1 }, { item, mayFlip: false }).window.flip).toBe(false);
  });
});

describe('light and weather', () => {
  const items = Array.from({ length: 12 }, (_, item) => item);
  const contrast = ({ data }: Picture) => Math.max(...data) - Math.min(...data);

  it.each([
    ['red', [240, 40, 30]],
    ['amber', [245, 190, 60]],
    ['green', [30, 235, 190]],
  ])('a %s lamp keeps its colour through all of it', (_, color) => {
    const order = (rgb: number[]) => [0, 1, 2].sort((a, b) => rgb[b]! - rgb[a]!).join();
    for (const effect of [{ color: 1 }, { night: 1 }, { fog: 1 }, { rain: 1 }, { night: 1, fog: 1, rain: 1 }])
      for (const item of items) {
        const lamp = pixel(change(effect, { item, of: picture(undefined, color) }).picture, 13, 9);
        expect([effect, order(lamp)]).toEqual([effect, order(color)]);
      }
  });

  it('night darkens all but the lamp', () => {
    for (const item of items) {
      const night = change({ night: 1 }, { item }).picture;
      expect(meanLuma(night)).toBeLessThan(0.62 * meanLuma(picture()));
      expect(pixel(night, 40, 28).every((value) => value < 100)).toBe(true);
      expect(pixel(night, 13, 9)[0]).toBeGreaterThan(200);
    }
  });

  it('fog takes contrast, in a frame most from what is far', () => {
    for (const item of items) {
      expect(contrast(change({ fog: 1 }, { item }).picture)).toBeLessThan(0.85 * contrast(picture()));
      const low = { x: 10, y: 24, width: 8, height: 8 };
      const lamp = ({ data }: Picture, x: number, y: number) => {
        const [r, g] = data.subarray((y * 48 + x) * 3);
        return r! - g!;
      };
      const far = lamp(change({ fog: 1 }, { item, frame: true }).picture, 13, 9);
      const near = lamp(change({ fog: 1 }, { item, frame: true, of: picture(low) }).picture, 13, 30);
      expect(far).toBeLessThan(near);
    }
  });

  it('rain falls in streaks over a duller scene', () => {
    for (const item of items)
      expect(contrast(change({ rain: 1 }, { item }).picture)).toBeLessThan(contrast(picture()));
    // The gradient rises by 1 a column; streaks break that somewhere.
    const rough = items.filter((item) => {
      const rain = change({ rain: 1 }, { item }).picture;
      for (let y = 16; y < 32; y++)
        for (let x = 0; x < 47; x++)
          if (Math.abs(pixel(rain, x + 1, y)[1]! - pixel(rain, x, y)[1]!) > 3) return true;
      return false;
    });
    expect(rough.length).toBeGreaterThan(items.length / 3);
  });
});
