/** What is sent as bytes is what PostgreSQL has, and what it would have made of the same as text. */
import fc from 'fast-check';
import { binaryArray, binaryTimes } from '../../../src/platform/database/binaryArray.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.stop());

const nullable = <T>(value: fc.Arbitrary<T>) => fc.array(fc.option(value, { freq: 4 }), { maxLength: 50 });

/** As text, so that the driver's own reading has no part in it. */
const seen = async (type: string, array: Buffer | null): Promise<(string | null)[] | null> => {
  const [row] = await database.db.query(`SELECT $1::${type}[]::text[] AS seen`, [array]);
  return row.seen;
};
const written = async (type: string, column: (string | null)[]): Promise<(string | null)[]> => {
  const [row] = await database.db.query(
    `SELECT ARRAY(SELECT v::${type}::text FROM unnest($1::text[]) WITH ORDINALITY u (v, n) ORDER BY n) AS seen`,
    [column],
  );
  return row.seen;
};
const texts = (column: (number | null)[]) => column.map((one) => (one === null ? null : String(one)));

test('doubles of every kind, with NaN, infinities and nulls', async () => {
  await fc.assert(
    fc.asyncProperty(nullable(fc.double()), async (column) => {
      const positive = column.map((one) => (Object.is(one, -0) ? 0 : one));
      expect(await seen('float8', binaryArray('float8', positive))).toEqual(
        await written('float8', texts(positive)),
      );
    }),
    { examples: [[[]], [[null]], [[NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, null, 0.1]]] },
  );
});

test('integers up to what each type holds', async () => {
  const four = nullable(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  const eight = nullable(fc.maxSafeInteger());
  await fc.assert(
    fc.asyncProperty(four, eight, async (ints, bigints) => {
      expect(await seen('int4', binaryArray('int4', ints))).toEqual(texts(ints));
      expect(await seen('int8', binaryArray('int8', bigints))).toEqual(texts(bigints));
    }),
    {
      examples: [
        [
          [-(2 ** 31), 2 ** 31 - 1],
          [2 ** 32, -1, 2 ** 53 - 1, -(2 ** 53) + 1],
        ],
      ],
    },
  );
});

test('times to the millisecond', async () => {
  const time = fc.date({
    min: new Date('0001-01-01'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  });
  await fc.assert(
    fc.asyncProperty(nullable(time), async (column) => {
      const [row] = await database.db.query(
        'SELECT ARRAY(SELECT v::timestamptz(3) FROM unnest($1::timestamptz[]) WITH ORDINALITY u (v, n) ORDER BY n) AS seen',
        [binaryTimes(column)],
      );
      expect(row.seen).toEqual(column);
    }),
  );
});

test('no column is null', async () => {
  expect([await seen('int4', binaryArray('int4', null)), binaryTimes(null)]).toEqual([null, null]);
});

test.each([1.5, 2 ** 31, -(2 ** 31) - 1, NaN, Infinity])('%d is refused, not cut', (value) => {
  expect(() => binaryArray('int4', [1, value])).toThrow(RangeError);
});
