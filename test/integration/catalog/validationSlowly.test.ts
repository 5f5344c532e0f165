/** Reports against the same rules written as loops, on random images, boxes and rules. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import {
  ValidationKind,
  ValidationSeverity,
  type ValidationRule,
} from '../../../src/catalog/validation/rule.js';
import { mergeReports } from '../../../src/catalog/validation/report.js';
import { setRules } from '../../../src/catalog/validation/ruleService.js';
import { validateImages, validateImported } from '../../../src/catalog/validation/validate.js';
import { Category, LightColor } from '../../../src/catalog/vocabulary.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { newImages, newProject } from '../graphql/support/world.js';

let database: TestDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database.stop());

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const categories = [Category.TRAFFIC_LIGHT, Category.CAR, Category.BUS];
const colors = [LightColor.RED, LightColor.GREEN, LightColor.UNKNOWN];

const anyBox = fc
  .record({
    category: fc.constantFrom(...categories),
    color: maybe(fc.constantFrom(...colors)),
    x: fc.integer({ min: -9, max: 99 }),
    y: fc.integer({ min: -9, max: 49 }),
    width: fc.integer({ min: 10, max: 20 }),
    height: fc.integer({ min: 10, max: 20 }),
  })
  .map((box) => (box.category === Category.TRAFFIC_LIGHT ? box : { ...box, color: null }));
const tenth = fc.integer({ min: 0, max: 10 }).map((n) => n / 10);
const anyImage = fc.record({
  recordedAt: maybe(fc.constant(new Date(0))),
  drive: maybe(fc.constant('d')),
  position: fc.boolean(),
  facts: fc.record({
    width: fc.constant(100),
    height: fc.constant(50),
    brightness: tenth,
    darkness: tenth,
  }),
  boxes: maybe(fc.array(anyBox, { maxLength: 4 })),
});
type AnyImage = typeof anyImage extends fc.Arbitrary<infer T> ? T : never;
type AnyBox = typeof anyBox extends fc.Arbitrary<infer T> ? T : never;

const anyClass = fc.oneof(
  fc.constantFrom(...categories).map((category) => ({ category })),
  fc.constantFrom(...colors).map((color) => ({ category: Category.TRAFFIC_LIGHT, color })),
);
const anyRule: fc.Arbitrary<ValidationRule> = fc
  .oneof(
    fc.record({
      kind: fc.constantFrom(
        ...([
          'HAS_TIME',
          'HAS_DRIVE',
          'HAS_POSITION',
          'HAS_PLACE',
          'HAS_SIZE',
          'LABELLED',
          'HAS_COLOR',
        ] as const),
      ),
    }),
    fc.record({ kind: fc.constantFrom('BRIGHTNESS' as const, 'DARKNESS' as const), min: tenth }),
    fc.record({ kind: fc.constantFrom('BRIGHTNESS' as const, 'DARKNESS' as const), max: tenth }),
    fc.record({ kind: fc.constant('BOX_INSIDE' as const), tolerance: fc.integer({ min: 0, max: 12 }) }),
    fc.record({ kind: fc.constant('BOX_SIZE' as const), minWidth: fc.integer({ min: 5, max: 22 }) }),
    fc.record({
      kind: fc.constant('CLASSES_KNOWN' as const),
      categories: fc.subarray(categories, { minLength: 1 }),
      colors: maybe(fc.subarray(colors, { minLength: 1 })),
    }),
    fc.record({
      kind: fc.constant('CLASS_COUNT' as const),
      atLeast: fc.integer({ min: 1, max: 8 }),
      classes: maybe(
        fc.uniqueArray(anyClass, { minLength: 1, maxLength: 4, selector: (one) => JSON.stringify(one) }),
      ),
    }),
  )
  .map((rule) => ({ ...rule, kind: ValidationKind[rule.kind], severity: ValidationSeverity.WARNING }));

/** True, false, or null where there is nothing to judge. */
function ofImage(rule: ValidationRule, image: AnyImage): boolean | null {
  switch (rule.kind) {
    case 'HAS_TIME':
      return image.recordedAt !== null;
    case 'HAS_DRIVE':
      return image.drive !== null;
    case 'HAS_POSITION':
      return image.position;
    case 'HAS_PLACE':
      return false;
    case 'HAS_SIZE':
      return true;
    case 'LABELLED':
      return image.boxes !== null;
    default: {
      const value = rule.kind === 'BRIGHTNESS' ? image.facts.brightness : image.facts.darkness;
      return value >= (rule.min ?? 0) && value <= (rule.max ?? 1);
    }
  }
}

function ofBox(rule: ValidationRule, box: AnyBox): boolean | null {
  switch (rule.kind) {
    case 'BOX_INSIDE': {
      const over = Math.max(-box.x, -box.y, box.x + box.width - 100, box.y + box.height - 50);
      return over <= rule.tolerance!;
    }
    case 'BOX_SIZE':
      return box.width >= rule.minWidth!;
    case 'HAS_COLOR':
      return box.category === Category.TRAFFIC_LIGHT ? box.color !== null : null;
    default: {
      const color = !rule.colors || box.color === null || rule.colors.includes(box.color);
      return rule.categories!.includes(box.category) && color;
    }
  }
}

function ofClasses(rule: ValidationRule, boxes: AnyBox[]): boolean[] {
  const named = (box: AnyBox) => `${box.category} ${box.color}`;
  const occurring = new Set(boxes.filter((box) => box.color !== LightColor.UNKNOWN).map(named));
  const counts =
    rule.classes?.map(
      ({ category, color }) =>
        boxes.filter((box) => box.category === category && (!color || box.color === color)).length,
    ) ?? [...occurring].map((name) => boxes.filter((box) => named(box) === name).length);
  return counts.length === 0 ? [false] : counts.map((n) => n >= rule.atLeast!);
}

const BOX_KINDS = ['BOX_INSIDE', 'BOX_SIZE', 'CLASSES_KNOWN', 'HAS_COLOR'];
function slowly(rule: ValidationRule, images: AnyImage[]) {
  const boxes = images.flatMap((image) => image.boxes ?? []);
  const answers =
    rule.kind === 'CLASS_COUNT'
      ? ofClasses(rule, boxes)
      : BOX_KINDS.includes(rule.kind)
        ? boxes.map((box) => ofBox(rule, box))
        : images.map((image) => ofImage(rule, image));
  const failed = answers.filter((answer) => answer === false).length;
  return {
    checked: answers.filter((answer) => answer !== null).length,
    failed,
    examples: Math.min(10, failed),
  };
}

let made = 0;
test('the report counts what loops count; batches that are added up too; examples are images that fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyImage, { maxLength: 30 }),
      fc.array(anyRule, { maxLength: 8 }),
      async (images, rules) => {
        const project = await newProject(db);
        const uuids = await newImages(
          db,
          project,
          images.map(({ position, ...image }) => ({
            ...image,
            label: `slow-${++made}`,
            ...(position ? { latitude: 1, longitude: 1 } : {}),
          })),
        );
        await setRules(db, project.uuid, rules);
        const report = await validateImages(db, project.uuid);
        expect(report.checkedImages).toBe(images.length);
        expect(
          report.rules.map(({ checked, failed, examples }) => ({
            checked,
            failed,
            examples: examples.length,
          })),
        ).toEqual(rules.map((rule) => slowly(rule, images)));
        const imageOf = new Map(uuids.map((uuid, index) => [uuid, images[index]!]));
        for (const { rule, examples } of report.rules.filter(
          (result) => result.rule.kind !== 'CLASS_COUNT',
        )) {
          for (const { imageUuid } of examples)
            expect(slowly(rule, [imageOf.get(imageUuid!)!]).failed).toBeGreaterThan(0);
        }
        const batches = [uuids.slice(0, 7), uuids.slice(7)];
        const reports = await db.transaction(async (manager) => [
          await validateImported(manager, project.uuid, batches[0]!),
          await validateImported(manager, project.uuid, batches[1]!),
        ]);
        // A rule that stands twice is one in the sum.
        const ofRows = report.rules.filter(({ rule }) => rule.kind !== 'CLASS_COUNT');
        const once = new Set(ofRows.map(({ rule }) => JSON.stringify(rule)));
        const merged = mergeReports(reports);
        expect(merged.checkedImages).toBe(images.length);
        expect(merged.rules).toHaveLength(once.size);
        for (const result of merged.rules) {
          const same = ofRows.filter(({ rule }) => JSON.stringify(rule) === JSON.stringify(result.rule));
          expect(result.checked).toBe(same.length * same[0]!.checked);
          expect(result.failed).toBe(same.length * same[0]!.failed);
        }
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);

test('reports of no batch are that of no image; a merged report fails if one of them does', () => {
  expect(mergeReports([])).toEqual({ checkedImages: 0, passed: true, rules: [] });
  const rule = { kind: ValidationKind.HAS_TIME, severity: ValidationSeverity.ERROR };
  const result = (failed: number) => ({
    ...{ rule, severity: rule.severity, checked: 9, failed },
    examples: Array.from({ length: failed }, (_, n) => ({ imageUuid: `${failed}-${n}`, detail: 'no time' })),
  });
  const good = { checkedImages: 9, passed: true, rules: [result(0)] };
  const bad = { checkedImages: 9, passed: false, rules: [result(8)] };
  expect(mergeReports([good, good]).passed).toBe(true);
  expect(mergeReports([good, bad, bad])).toMatchObject({ checkedImages: 27, passed: false });
  expect(mergeReports([bad, good, bad]).rules[0]).toMatchObject({ checked: 27, failed: 16 });
  expect(mergeReports([bad, bad]).rules[0]!.examples).toHaveLength(10);
});
