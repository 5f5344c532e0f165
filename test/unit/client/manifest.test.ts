import fc from 'fast-check';

import { type Cells, type Column, csvOf, jsonlOf, parse, validRow } from './support/manifest.js';

/** JSON knows no -0 and no undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('any valid row comes back from CSV and from JSONL as it went in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(validRow, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('\n', '\r\n'),
      async (rows, end) => {
        for (const [name, text] of [
          ['m.csv', csvOf(rows, end)],
          ['m.jsonl', jsonlOf(rows)],
        ] as const) {
          const { rows: read, messages } = await parse(name, text);
          expect(messages).toEqual([]);
          expect(plain(read)).toEqual(plain(rows));
        }
      },
    ),
    { numRuns: 60 },
  );
});

const FULL: Cells = {
  file: 'a.png',
  recordedAt: '2025-11-03T09:30:00.000Z',
  latitude: 35.3,
  longitude: 139.5,
  country: 'Japan',
  prefecture: 'Kanagawa',
  city: 'Fujisawa',
  timeZone: 'Asia/Tokyo',
  weather: 'RAIN',
  timeOfDay: 'NIGHT',
  scene: 'CITY_STREET',
  drive: 'd1',
  boxes: [{ category: 'CAR', x: 1, y: 2, width: 3, height: 4 }],
};

const corruptions: fc.Arbitrary<[Column, unknown]> = fc.oneof(
  fc.tuple(
    fc.constantFrom<Column>('weather', 'timeOfDay', 'scene'),
    fc.constantFrom('DRIZZLE', 'rain', 'RAIN ', '0'),
  ),
  fc.tuple(
    fc.constantFrom<Column>('latitude', 'longitude'),
    fc.constantFrom('NaN', 'Infinity', '35,3', '0x10', 'north', '181', '-181', '1e999'),
  ),
  fc.tuple(
    fc.constant<Column>('recordedAt'),
    fc.constantFrom(
      '2025-11-03T09:30:00',
      'yesterday',
      '2025-02-30T00:00:00Z',
      '2025-11-03T25:00:00Z',
      '1762162200',
      '2025-11-03',
      '2025-11-03T09:30:00+15:00',
      '2025-13-01T00:00:00Z',
    ),
  ),
  fc.tuple(fc.constant<Column>('timeZone'), fc.constantFrom('Tokyo', 'JST+9', '+09:00')),
  fc.tuple(fc.constantFrom<Column>('country', 'drive'), fc.constantFrom('   ', 'a\tb', 'x'.repeat(501))),
  fc.tuple(
    fc.constant<Column>('boxes'),
    fc.constantFrom(
      '[',
      '{}',
      '[1]',
      '[{"category":"CAR"}]',
      '[{"category":"CAR","x":1,"y":1,"width":0,"height":1}]',
      '[{"category":"CAR","x":1,"y":1,"width":1,"height":-1}]',
      '[{"category":"CAR","x":1,"y":NaN,"width":1,"height":1}]',
      '[{"category":"CAR","x":1e999,"y":1,"width":1,"height":1}]',
      '[{"category":"CAT","x":1,"y":1,"width":1,"height":1}]',
      '[{"category":"CAR","x":1,"y":1,"width":1,"height":1,"color":"RED"}]',
    ),
  ),
);

test('any corrupted cell is refused with its line and its column', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.nat(3), corruptions, async (before, after, [column, value]) => {
      const rows = [
        ...Array<Cells>(before).fill(FULL),
        { ...FULL, [column]: value },
        ...Array<Cells>(after).fill(FULL),
      ];
      const csv = await parse('m.csv', csvOf(rows));
      expect(csv.problems.length).toBeGreaterThan(0);
      for (const problem of csv.problems) {
        expect(problem.where).toBe(`m.csv:${before + 2}`);
        expect(problem.column).toMatch(new RegExp(`^${column}(\\[0\\].*)?$`));
      }
      const jsonl = await parse('m.jsonl', jsonlOf(rows));
      for (const problem of jsonl.problems) {
        expect(problem.where).toBe(`m.jsonl:${before + 1}`);
        expect(problem.column).toMatch(new RegExp(`^${column}`));
      }
      expect(jsonl.problems.length).toBeGreaterThan(0);
    }),
    { numRuns: 150 },
  );
});

describe('messages', () => {
  const csv = async (header: string, ...lines: string[]) =>
    (await parse('manifest.csv', [header, ...lines].join('\n'))).messages;

  test.each<[string, string, string, string]>([
    [
      'weather',
      'file,weather',
      'a.png,DRIZZLE',
      'manifest.csv:2: column weather: "DRIZZLE" is not one of CLEAR, PARTLY_CLOUDY,',
    ],
    [
      'latitude',
      'file,latitude,longitude',
      'a.png,90.5,1',
      'manifest.csv:2: column latitude: 90.5 is not between -90 and 90',
    ],
    [
      'half a point',
      'file,latitude,longitude',
      'a.png,35,',
      'manifest.csv:2: column longitude: is missing, while latitude is given',
    ],
    [
      'half a place',
      'file,country,prefecture,city',
      'a.png,Japan,,Fujisawa',
      'column prefecture: is missing, while country is given',
    ],
    [
      'no zone',
      'file,recordedAt',
      'a.png,2025-11-03T09:30:00',
      'has no zone offset, so which instant is it?',
    ],
    ['no such day', 'file,recordedAt', 'a.png,2025-02-30T09:30:00Z', 'does not exist in the calendar'],
    [
      'unknown column',
      'file,wether',
      'a.png,RAIN',
      'manifest.csv:1: column "wether" is unknown (known: file, recordedAt,',
    ],
    [
      'column twice',
      'file,weather,weather',
      'a.png,RAIN,RAIN',
      'manifest.csv:1: column weather stands twice',
    ],
    ['no file column', 'weather', 'RAIN', 'manifest.csv:1: column file is missing'],
    ['semicolons', 'file;weather', 'a.png;RAIN', 'cells are separated by semicolons'],
    [
      'too few cells',
      'file,weather',
      'a.png',
      'manifest.csv:2: has 1 cells where the first line names 2 columns',
    ],
    ['open quote', 'file,drive', 'a.png,"d1', 'a quote is opened here and never closed'],
    ['stray quote', 'file,drive', 'a.png,d"1', 'a quote stands inside a cell'],
    ['no name', 'file,weather', ',RAIN', 'manifest.csv:2: column file: is missing'],
    [
      'box',
      'file,boxes',
      'a.png,"[{""category"":""CAR"",""x"":1,""y"":1,""width"":-2,""height"":1}]"',
      'column boxes[0].width: -2 is not larger than zero',
    ],
    [
      'box key',
      'file,boxes',
      'a.png,"[{""category"":""CAR"",""colour"":""RED"",""wholeImage"":true}]"',
      'column boxes[0]: "colour" is unknown',
    ],
  ])('%s', async (_what, header, line, message) => {
    const messages = await csv(header, line);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(message);
  });

  test('count lines, also where cells hold line feeds and lines are empty', async () => {
    const lines = [
      'file,drive,weather',
      '"a.png","x ""y"", z",RAIN',
      '',
      'b.png,"two',
      'lines",SNOW',
      'c.png,d,DRIZZLE',
    ];
    const { rows, messages } = await parse('manifest.csv', `\ufeff${lines.join('\r\n')}\r\n`);
    expect(rows[0]).toMatchObject({ file: 'a.png', drive: 'x "y", z' });
    expect(messages.map((message) => message.split(': ')[0])).toEqual(['manifest.csv:4', 'manifest.csv:6']);
  });

  test('of JSONL: not JSON, no object, an unknown column; null is not given', async () => {
    const lines = [
      '{"file":"a.png","weather":null}',
      '{"file":',
      '[1]',
      '{"file":"b.png","wether":"RAIN"}',
      '',
    ];
    const { rows, messages } = await parse('manifest.jsonl', lines.join('\r\n'));
    expect(rows[0]).toEqual({ file: 'a.png' });
    expect(messages[0]).toMatch(/^manifest\.jsonl:2: is not JSON/);
    expect(messages[1]).toBe('manifest.jsonl:3: [1] is not an object');
    expect(messages[2]).toMatch(/^manifest\.jsonl:4: column "wether" is unknown/);
  });

  test.each(['manifest.csv', 'manifest.jsonl'])('of %s that is not UTF-8', async (name) => {
    const shiftJis = Buffer.concat([
      Buffer.from('file,city\na.png,'),
      Buffer.from([0x93, 0x8c, 0x8b, 0x9e]),
      Buffer.from('\n'),
    ]);
    const { messages } = await parse(name, shiftJis);
    expect(messages.at(-1)).toContain('is not UTF-8 text');
  });

  test('of a line without end', async () => {
    const endless = Buffer.alloc(3 * 1024 * 1024, 'x');
    expect((await parse('manifest.jsonl', endless)).messages).toEqual([
      'manifest.jsonl:1: is longer than 1 MiB: not a row of a manifest',
    ]);
    const csvText = Buffer.concat([Buffer.from('file,drive\na.png,"'), endless]);
    expect((await parse('manifest.csv', csvText)).messages[0]).toMatch(
      /^manifest\.csv:2: is longer than 1 MiB/,
    );
  });
});

test('times with an offset become the instant that they are', async () => {
  const { rows } = await parse('m.jsonl', '{"file":"a","recordedAt":"2025-11-03T18:30:00.5+09:00"}');
  expect(rows[0]?.recordedAt).toBe('2025-11-03T09:30:00.500Z');
});
