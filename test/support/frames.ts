/** Any frame that a data set version can hold, for property tests of formats. */
import fc from 'fast-check';
import {
  Category,
  LightArrow,
  LightColor,
  LightRole,
  Scene,
  Split,
  TimeOfDay,
  WeatherName,
} from '../../src/catalog/vocabulary.js';
import type { FrameBox } from '../../src/datasets/formats/frame.js';
import type { VersionFrame } from '../../src/datasets/formats/write/writer.js';

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const of = <T extends string>(words: Record<string, T>) => fc.constantFrom(...Object.values(words));

/** Whole pixels, halves, and numbers with every bit in use. */
const coordinate = fc.oneof(
  fc.integer({ min: -50, max: 4000 }),
  fc.integer({ min: -100, max: 8000 }).map((n) => n / 2),
  fc.double({ min: -50, max: 4000, noNaN: true }).map((n) => n + 0),
);
const size = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0.01, max: 2000, noNaN: true }));

const plainBox = fc.record({
  x: coordinate,
  y: coordinate,
  width: size,
  height: size,
  occluded: maybe(fc.boolean()),
  truncated: maybe(fc.boolean()),
  score: maybe(fc.double({ min: 0, max: 1, noNaN: true }).map((n) => n + 0)),
  ignore: fc.boolean(),
});

export const anyBox: fc.Arbitrary<FrameBox> = fc.oneof(
  fc.tuple(plainBox, of(Category)).map(([box, category]) => ({
    ...box,
    category,
    color: null,
    arrows: [],
    role: null,
    label: null,
  })),
  fc
    .tuple(plainBox, maybe(of(LightColor)), fc.subarray(Object.values(LightArrow)), maybe(of(LightRole)))
    .map(([box, color, arrows, role]) => ({
      ...box,
      category: Category.TRAFFIC_LIGHT,
      color,
      arrows,
      role,
      label: null,
    })),
);

const anyFrame = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9 ü信_-]{1,12}$/),
  folder: fc.constantFrom('', 'a/', 'b/c/'),
  width: fc.integer({ min: 1, max: 8192 }),
  height: fc.integer({ min: 1, max: 8192 }),
  sha256: maybe(fc.stringMatching(/^[0-9a-f]{64}$/)),
  recordedAt: maybe(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })),
  point: maybe(
    fc.tuple(fc.double({ min: -90, max: 90, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true })),
  ),
  drive: maybe(fc.string({ minLength: 1, maxLength: 8 })),
  weather: maybe(of(WeatherName)),
  timeOfDay: maybe(of(TimeOfDay)),
  scene: maybe(of(Scene)),
  split: of(Split),
  night: fc.boolean(),
  boxes: maybe(fc.array(anyBox, { maxLength: 5 })),
});

/** Each with a file name of its own. */
export const anyFrames = fc.array(anyFrame, { maxLength: 12 }).map((frames) =>
  frames.map(({ name, folder, night, point, ...frame }, index): VersionFrame => ({
    ...frame,
    id: `image-${index}`,
    fileName: `${folder}${index} ${name}.jpg`,
    latitude: point && point[0] + 0,
    longitude: point && point[1] + 0,
    conditions: night ? ['night'] : [],
    position: `frame ${index}`,
  })),
);
