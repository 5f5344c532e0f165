import fc from 'fast-check';
import { Kind, parseValue } from 'graphql';
import { Real } from '../../../src/graphql/scalars.js';

const real = fc.double();
const bad = expect.objectContaining({ extensions: expect.objectContaining({ code: 'BAD_USER_INPUT' }) });

test('every number there is survives JSON in both directions, NaN and infinities too', () => {
  fc.assert(
    fc.property(real, (value) => {
      const received = Real.parseValue(JSON.parse(JSON.stringify(Real.serialize(value))));
      // JSON has no minus nought.
      expect(received).toBe(Object.is(value, -0) ? 0 : value);
    }),
  );
});

test('a finite number stays a JSON number, the others are texts', () => {
  expect([0.5, NaN, Infinity, -Infinity].map((value) => Real.serialize(value))).toEqual([
    0.5,
    'NaN',
    'Infinity',
    '-Infinity',
  ]);
});

test('a literal in the query means what the same variable means', () => {
  for (const [text, value] of [
    ['1', 1],
    ['-2.5e-3', -0.0025],
    ['"NaN"', NaN],
    ['"-Infinity"', -Infinity],
  ] as const) {
    expect(Real.parseLiteral(parseValue(text))).toBe(value);
  }
});

test.each(['', 'nan', 'inf', '1', 'toString', 'constructor', '__proto__', 'hasOwnProperty'])(
  'the text %j is no number',
  (text) => {
    expect(() => Real.parseValue(text)).toThrow(bad);
    expect(() => Real.serialize(text)).toThrow(bad);
    expect(() => Real.parseLiteral({ kind: Kind.STRING, value: text })).toThrow(bad);
  },
);

test('nothing but numbers and the three texts is taken', () => {
  const others = fc.oneof(
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.array(fc.integer()),
    fc.object(),
    fc.bigInt(),
  );
  fc.assert(fc.property(others, (value) => expect(() => Real.parseValue(value)).toThrow(bad)));
  for (const text of ['true', 'null', 'RED', '[1]', '{a: 1}']) {
    expect(() => Real.parseLiteral(parseValue(text))).toThrow(bad);
  }
});
