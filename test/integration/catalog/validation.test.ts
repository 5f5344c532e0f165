/** Rules of a project: each at its boundary, what bad ones are refused with, and what reports say. */
import type { Project } from '../../../src/catalog/project/project.js';
import {
  DEFAULT_RULES,
  ValidationKind,
  ValidationSeverity,
  type ValidationRule,
} from '../../../src/catalog/validation/rule.js';
import { setRules } from '../../../src/catalog/validation/ruleService.js';
import { validateImages } from '../../../src/catalog/validation/validate.js';
import { Category, LightColor, TimeOfDay, WeatherName } from '../../../src/catalog/vocabulary.js';
import { startTestService, type TestService } from '../../support/service.js';
import {
  light,
  nameOf,
  newImage,
  newImages,
  newPlace,
  newProject,
  statementsOf,
  type ImageRow,
} from '../graphql/support/world.js';

let service: TestService;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());
beforeEach(async () => {
  project = await newProject(service.db);
});

const WARNING = ValidationSeverity.WARNING;
const rule = (kind: keyof typeof ValidationKind, rest: object = {}): ValidationRule => ({
  kind: ValidationKind[kind],
  severity: WARNING,
  ...rest,
});

/** Checked, failed, and what the examples say, of one rule over all images of the project. */
async function judged(one: ValidationRule, where?: object) {
  await setRules(service.db, project.uuid, [one]);
  const report = await validateImages(service.db, project.uuid, where as never);
  const [result] = report.rules;
  return {
    checked: result!.checked,
    failed: result!.failed,
    examples: result!.examples.map(({ detail }) => detail),
  };
}

const NOON = new Date('2024-06-01T03:00:00Z');
type Row = Omit<ImageRow, 'label'>;
const imageRules: [kind: keyof typeof ValidationKind, rest: object, good: Row[], bad: Row[]][] = [
  ['HAS_TIME', {}, [{ recordedAt: NOON }], [{}]],
  ['HAS_POSITION', {}, [{ latitude: 0, longitude: 0 }], [{}]],
  ['HAS_DRIVE', {}, [{ drive: 'd' }], [{}]],
  ['HAS_BYTES', {}, [{}], []],
  ['HAS_SIZE', {}, [{}], []],
  ['LABELLED', {}, [{ boxes: [] }, { boxes: [light()] }], [{}]],
  [
    'BRIGHTNESS',
    { min: 0.25, max: 0.75 },
    [{ facts: { brightness: 0.25 } }, { facts: { brightness: 0.75 } }],
    [{ facts: { brightness: 0.2499 } }, { facts: { brightness: 0.7501 } }],
  ],
  ['BRIGHTNESS', { max: 0.5 }, [{ facts: { brightness: 0 } }], [{ facts: { brightness: 0.51 } }]],
  ['DARKNESS', { min: 0.5 }, [{ facts: { darkness: 1 } }], [{ facts: { darkness: 0.49 } }]],
];

test.each(imageRules)(
  '%s %j holds of what it should and fails of what it should',
  async (kind, rest, good, bad) => {
    const rows = [...good, ...bad].map((row, n) => ({ ...row, label: `${project.name}-${n}` }));
    await newImages(service.db, project, rows);
    const found = await judged(rule(kind, rest));
    expect(found).toMatchObject({ checked: rows.length, failed: bad.length });
    expect(found.examples).toHaveLength(bad.length);
  },
);

test('HAS_PLACE and CONFLICTS look at what the place says', async () => {
  const place = await newPlace(service.db, project);
  await service.ok(
    `mutation { createWeather(input: { placeId: "${place.globalId}", weatherName: RAIN, startTime: "2024-01-01T00:00:00Z" }) { userErrors { code } } }`,
  );
  const row = (weather: WeatherName | null, n: number) => ({
    ...{ label: `${project.name}-${n}`, place: nameOf(place), recordedAt: NOON },
    ...{ weather, timeOfDay: TimeOfDay.UNDEFINED, latitude: 0, longitude: 140 },
  });
  await newImages(service.db, project, [
    row(WeatherName.OVERCAST, 0),
    row(WeatherName.CLEAR, 1),
    row(WeatherName.PARTLY_CLOUDY, 2),
    { label: `${project.name}-3` },
  ]);
  expect(await judged(rule('HAS_PLACE'))).toEqual({ checked: 4, failed: 1, examples: ['has no place'] });
  expect(await judged(rule('CONFLICTS', { maxSteps: 2 }))).toEqual({
    ...{ checked: 4, failed: 1 },
    examples: ['its sources are 3 steps apart, and may be 2 (conflicts)'],
  });
  expect(await judged(rule('CONFLICTS', { maxSteps: 1 }))).toMatchObject({ failed: 2 });
  expect(await judged(rule('CONFLICTS', { maxSteps: 3 }))).toMatchObject({ failed: 0 });
});

// The picture is 1280 × 720.
const boxRules: [kind: keyof typeof ValidationKind, rest: object, good: object[], bad: object[]][] = [
  [
    'BOX_INSIDE',
    {},
    // Scalabel's last pixel included: the box touches the edge.
    [
      { x: 1260, width: 20, y: 680, height: 40 },
      { x: 0, y: 0 },
    ],
    [{ x: 1260.5 }, { x: -0.5 }, { y: 680.5 }, { y: -0.5 }],
  ],
  [
    'BOX_INSIDE',
    { tolerance: 1 },
    [{ x: 1261 }, { x: -1 }, { y: 681 }, { y: -1 }],
    [{ x: 1261.01 }, { x: -1.01 }, { y: 681.01 }, { y: -1.01 }],
  ],
  ['BOX_SIZE', { minWidth: 8, minHeight: 4 }, [{ width: 8, height: 4 }], [{ width: 7.99 }, { height: 3.99 }]],
  ['BOX_SIZE', { minHeight: 4 }, [{ width: 0.1, height: 4 }], [{ height: 3 }]],
  [
    'CLASSES_KNOWN',
    { categories: [Category.TRAFFIC_LIGHT] },
    [{}, { color: 'OFF' }],
    [{ category: Category.CAR, color: null }],
  ],
  [
    'CLASSES_KNOWN',
    { categories: [Category.TRAFFIC_LIGHT, Category.CAR], colors: [LightColor.RED] },
    [{ color: 'RED' }, { color: null }, { category: Category.CAR, color: null }],
    [{ color: 'GREEN' }, { category: Category.BUS, color: null }],
  ],
  ['HAS_COLOR', {}, [{ color: 'UNKNOWN' }], [{ color: null }]],
];

test.each(boxRules)('%s %j holds of boxes as it should', async (kind, rest, good, bad) => {
  const boxes = [...good, ...bad].map((change) => light('RED', change));
  await newImage(service.db, project, { boxes });
  const found = await judged(rule(kind, rest));
  expect(found).toMatchObject({ checked: boxes.length, failed: bad.length });
  expect(found.examples).toHaveLength(bad.length);
});

test('a box that misses its image is said to, and one whose corner is no number fails', async () => {
  const image = await newImage(service.db, project, {
    boxes: [light('RED', { x: -5 }), light('GREEN'), light('OFF')],
  });
  await service.db.query("UPDATE annotation SET x = 5000 WHERE image_id = $1 AND color = 'GREEN'", [image]);
  await service.db.query("UPDATE annotation SET y = 'NaN' WHERE image_id = $1 AND color = 'OFF'", [image]);
  expect(await judged(rule('BOX_INSIDE'))).toEqual({
    checked: 3,
    failed: 3,
    examples: [
      'TRAFFIC_LIGHT GREEN at (5000, 10), 20 × 40 is wholly outside the image (1280 × 720)',
      'TRAFFIC_LIGHT OFF at (10, NaN), 20 × 40 has a corner that is no number',
      'TRAFFIC_LIGHT RED at (-5, 10), 20 × 40 is partly outside the image (1280 × 720)',
    ],
  });
  for (const infinite of ['Infinity', '-Infinity']) {
    await service.db.query('UPDATE annotation SET x = $2 WHERE image_id = $1', [image, infinite]);
    expect(await judged(rule('BOX_INSIDE', { tolerance: 10_000 }))).toMatchObject({ failed: 3 });
  }
  await service.db.query("UPDATE image SET brightness = 'NaN' WHERE id = $1", [image]);
  expect((await judged(rule('BRIGHTNESS', { min: 0 }))).examples).toEqual(['brightness NaN is not 0 to 1']);
});

test('an image without a picture has no size and no light to judge, and its boxes have no edge', async () => {
  for (const column of ['sha256', 'width', 'height', 'brightness'])
    await service.db.query(`ALTER TABLE image ALTER ${column} DROP NOT NULL`);
  const [image] = await newImages(service.db, project, [
    { label: `${project.name}-a`, boxes: [light('RED', { x: -5 })] },
    { label: `${project.name}-b` },
  ]);
  await service.db.query(
    'UPDATE image SET sha256 = NULL, width = NULL, height = NULL, brightness = NULL, darkness_sensor = NULL WHERE id = $1',
    [image],
  );
  expect(await judged(rule('HAS_BYTES'))).toMatchObject({ checked: 2, failed: 1 });
  expect(await judged(rule('HAS_SIZE'))).toEqual({
    checked: 2,
    failed: 1,
    examples: ['has no width and height'],
  });
  expect(await judged(rule('BRIGHTNESS', { min: 0.9 }))).toMatchObject({ checked: 1, failed: 1 });
  expect(await judged(rule('DARKNESS', { min: 0.9 }))).toMatchObject({ checked: 1, failed: 1 });
  // Left of the image it is whatever the size; how far right it may reach is not known.
  expect(await judged(rule('BOX_INSIDE'))).toMatchObject({ checked: 1, failed: 1 });
  await service.db.query('UPDATE annotation SET x = 5000 WHERE image_id = $1', [image]);
  expect(await judged(rule('BOX_INSIDE'))).toMatchObject({ checked: 0, failed: 0 });
  await service.db.query('UPDATE image SET width = 0, height = 0 WHERE id = $1', [image]);
  expect(await judged(rule('HAS_SIZE'))).toMatchObject({ checked: 2, failed: 1 });
});

test('HAS_COLOR judges lights only', async () => {
  await newImage(service.db, project, { boxes: [light(null), light(null, { category: Category.CAR })] });
  expect(await judged(rule('HAS_COLOR'))).toMatchObject({ checked: 1, failed: 1 });
});

test('CLASS_COUNT counts listed classes, or those that occur', async () => {
  await newImage(service.db, project, {
    boxes: [
      light('RED'),
      light('RED'),
      light('GREEN'),
      light('UNKNOWN'),
      light(null, { category: Category.CAR }),
    ],
  });
  const { RED, YELLOW } = LightColor;
  const classes = [
    { category: Category.TRAFFIC_LIGHT },
    { category: Category.TRAFFIC_LIGHT, color: RED },
    { category: Category.TRAFFIC_LIGHT, color: YELLOW },
    { category: Category.BUS },
  ];
  expect(await judged(rule('CLASS_COUNT', { atLeast: 2, classes }))).toEqual({
    checked: 4,
    failed: 2,
    examples: ['TRAFFIC_LIGHT YELLOW: 0 of 2', 'BUS: 0 of 2'],
  });
  expect(await judged(rule('CLASS_COUNT', { atLeast: 4, classes: classes.slice(0, 1) }))).toMatchObject({
    failed: 0,
  });
  expect(await judged(rule('CLASS_COUNT', { atLeast: 5, classes: classes.slice(0, 1) }))).toMatchObject({
    failed: 1,
  });
  expect(await judged(rule('CLASS_COUNT', { atLeast: 2 }))).toEqual({
    checked: 3,
    failed: 2,
    examples: ['CAR: 1 of 2', 'TRAFFIC_LIGHT GREEN: 1 of 2'],
  });
});

test('an empty set passes every rule of images and boxes, and fails CLASS_COUNT', async () => {
  const none = { fileName: { eq: 'no such file' } };
  for (const kind of ['HAS_TIME', 'HAS_SIZE', 'BOX_INSIDE', 'HAS_COLOR'] as const)
    expect(await judged(rule(kind), none)).toEqual({ checked: 0, failed: 0, examples: [] });
  const classes = [{ category: Category.BUS }];
  for (const perSplit of [true, false]) {
    expect(await judged(rule('CLASS_COUNT', { atLeast: 1, classes, perSplit }), none)).toEqual({
      checked: 1,
      failed: 1,
      examples: ['BUS: 0 of 1'],
    });
    expect((await judged(rule('CLASS_COUNT', { atLeast: 1, perSplit }), none)).failed).toBe(1);
  }
});

const SET = `mutation ($input: SetValidationRulesInput!) { setValidationRules(input: $input) {
  rules { kind severity min max maxSteps tolerance minWidth minHeight categories colors classes { category color } atLeast perSplit }
  userErrors { code message field } } }`;
const set = async (rules: object[] | null) =>
  (await service.ask(SET, { input: { projectId: project.globalId, rules } })).data?.setValidationRules;

const badRules: [kind: string, rest: object, field: string][] = [
  ['CLASS_COUNT', { atLeast: -1 }, 'atLeast'],
  ['CLASS_COUNT', { atLeast: 0 }, 'atLeast'],
  ['CLASS_COUNT', {}, 'atLeast'],
  ['CLASS_COUNT', { atLeast: 1, classes: [] }, 'classes'],
  ['CLASS_COUNT', { atLeast: 1, classes: [{ category: 'CAR', color: 'RED' }] }, 'classes'],
  ['CLASS_COUNT', { atLeast: 1, classes: [{ category: 'CAR' }, { category: 'CAR' }] }, 'classes'],
  ['BRIGHTNESS', { min: 0.6, max: 0.5 }, 'min'],
  ['BRIGHTNESS', { max: 1.1 }, 'max'],
  ['BRIGHTNESS', {}, 'min'],
  ['DARKNESS', { min: -0.1 }, 'min'],
  ['CONFLICTS', {}, 'maxSteps'],
  ['CONFLICTS', { maxSteps: 4 }, 'maxSteps'],
  ['BOX_INSIDE', { tolerance: -1 }, 'tolerance'],
  ['BOX_SIZE', {}, 'minWidth'],
  ['BOX_SIZE', { minWidth: -1 }, 'minWidth'],
  ['CLASSES_KNOWN', {}, 'categories'],
  ['CLASSES_KNOWN', { categories: [] }, 'categories'],
  ['CLASSES_KNOWN', { categories: ['CAR'], colors: ['RED', 'RED'] }, 'colors'],
  ['HAS_TIME', { tolerance: 1 }, 'tolerance'],
];

test.each(badRules)('%s %j is refused, and the field names the parameter', async (kind, rest, field) => {
  await set([{ kind: 'HAS_PLACE', severity: 'ERROR' }]);
  const bad = { kind, severity: 'WARNING', ...rest };
  expect(await set([{ kind: 'HAS_TIME', severity: 'ERROR' }, bad])).toEqual({
    rules: null,
    userErrors: [
      { code: 'BAD_USER_INPUT', message: expect.stringMatching(/\w.*\.$/), field: ['rules', '1', field] },
    ],
  });
  expect(await kinds()).toEqual(['HAS_PLACE']);
});

test('what the schema cannot refuse is refused by the service: numbers that are none, words that are none', async () => {
  for (const one of [
    rule('BRIGHTNESS', { min: NaN }),
    rule('BRIGHTNESS', { max: Infinity }),
    rule('BOX_SIZE', { minWidth: Infinity }),
    rule('CLASS_COUNT', { atLeast: 1.5 }),
    rule('CLASSES_KNOWN', { categories: ['TRAM'] }),
    rule('CLASS_COUNT', { atLeast: 1, classes: [{ category: 'TRAFFIC_LIGHT', color: 'BLUE' }] }),
    rule('HAS_TIME', { severity: 'FATAL' }),
    { ...rule('HAS_TIME'), kind: 'HAS_SOUL' as never },
  ])
    await expect(setRules(service.db, project.uuid, [one])).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  const many = Array.from({ length: 26 }, () => rule('HAS_TIME'));
  await expect(setRules(service.db, project.uuid, many)).rejects.toMatchObject({ field: ['rules'] });
  const answer = await service.ask(SET, {
    input: {
      projectId: project.globalId,
      rules: [{ kind: 'CLASSES_KNOWN', severity: 'ERROR', categories: ['TRAM'] }],
    },
  });
  expect(answer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
});

const kinds = async () =>
  (await service.ok(`{ validationRules(projectId: "${project.name}") { kind } }`)).validationRules.map(
    (one: ValidationRule) => one.kind,
  );

test('a project has the default rules until it declares its own; an empty list is none; null is the default again', async () => {
  const defaults = DEFAULT_RULES.map(({ kind }) => kind);
  expect(await kinds()).toEqual(defaults);
  const rules = [
    {
      kind: 'CLASS_COUNT',
      severity: 'ERROR',
      atLeast: 5,
      perSplit: true,
      classes: [{ category: 'TRAFFIC_LIGHT', color: 'RED' }, { category: 'CAR' }],
    },
    { kind: 'BRIGHTNESS', severity: 'WARNING', min: 0.1 },
  ];
  const answer = await set(rules);
  expect(answer.userErrors).toEqual([]);
  expect(answer.rules).toMatchObject([
    {
      ...rules[0],
      classes: [
        { category: 'TRAFFIC_LIGHT', color: 'RED' },
        { category: 'CAR', color: null },
      ],
      min: null,
    },
    { ...rules[1], max: null, perSplit: null },
  ]);
  expect(await kinds()).toEqual(['CLASS_COUNT', 'BRIGHTNESS']);
  await set([]);
  expect(await kinds()).toEqual([]);
  await newImage(service.db, project, { boxes: [light('RED', { x: -5 })] });
  expect(await validateImages(service.db, project.uuid)).toEqual({
    checkedImages: 1,
    passed: true,
    rules: [],
  });
  await set(null);
  expect(await kinds()).toEqual(defaults);
  // A warning does not fail the set.
  expect(await validateImages(service.db, project.uuid)).toMatchObject({
    passed: true,
    rules: [{ failed: 0 }, { failed: 1, severity: 'WARNING' }],
  });
});

test('25 rules at a time are judged, each by itself', async () => {
  await newImages(service.db, project, [
    { label: `${project.name}-a`, facts: { brightness: 0.5 } },
    { label: `${project.name}-b`, facts: { brightness: 0.1 } },
  ]);
  const rules = Array.from({ length: 25 }, (_, n) => rule('BRIGHTNESS', { min: n / 25 }));
  await setRules(service.db, project.uuid, rules);
  const report = await validateImages(service.db, project.uuid);
  expect(report.rules.map(({ failed }) => failed)).toEqual(
    rules.map(({ min }) => Number(min! > 0.5) + Number(min! > 0.1)),
  );
});

test('the report is typed in GraphQL, its examples are images, and the where is that of images', async () => {
  await newImages(service.db, project, [
    ...Array.from({ length: 12 }, (_, n) => ({ label: `${project.name}-${n}` })),
    { label: `${project.name}-timed`, recordedAt: NOON },
  ]);
  await setRules(service.db, project.uuid, [{ ...rule('HAS_TIME'), severity: ValidationSeverity.ERROR }]);
  const query = `query ($where: ImageWhere) { validate(projectId: "${project.name}", where: $where) { checkedImages passed
    rules { rule { kind } severity checked failed examples { image { fileName } detail } } } }`;
  const { validate } = await service.ok(query);
  expect(validate).toMatchObject({ checkedImages: 13, passed: false });
  const [result] = validate.rules;
  expect(result).toMatchObject({ rule: { kind: 'HAS_TIME' }, severity: 'ERROR', checked: 13, failed: 12 });
  expect(new Set(result.examples.map((one: any) => one.image.fileName)).size).toBe(10);
  const timed = await service.ok(query, { where: { fileName: { eq: `${project.name}-timed.jpg` } } });
  expect(timed.validate).toMatchObject({ checkedImages: 1, passed: true });
  const night = await service.ok(query, { where: { not: { condition: 'night' } } });
  expect(night.validate.checkedImages).toBe(13);
});

test('the number of statements is that of the rules read and two scans, whatever the number of images', async () => {
  const statements = () => statementsOf(service.db, () => validateImages(service.db, project.uuid));
  await newImage(service.db, project, { boxes: [light()] });
  const one = await statements();
  expect(one).toEqual(['validation.rules', 'validation.images', 'validation.boxes']);
  await newImages(
    service.db,
    project,
    Array.from({ length: 40 }, (_, n) => ({
      label: `${project.name}-${n}`,
      boxes: [light(), light('RED', { x: -9 })],
    })),
  );
  expect(await statements()).toEqual(one);
  await setRules(
    service.db,
    project.uuid,
    Array.from({ length: 20 }, () => rule('HAS_DRIVE')),
  );
  expect(await statements()).toEqual(['validation.rules', 'validation.images']);
});
