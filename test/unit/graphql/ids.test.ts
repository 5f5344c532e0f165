import fc from 'fast-check';
import { parseGlobalId, toGlobalId, uuidOf } from '../../../src/graphql/node.js';

const TYPES = [
  'Project',
  'Place',
  'Weather',
  'Image',
  'Annotation',
  'Condition',
  'Dataset',
  'DatasetVersion',
  'Job',
];
const type = fc.constantFrom(...TYPES);
const uuid = fc.uuid();

const invalid = expect.objectContaining({ code: 'INVALID_ID' });

test('an id comes back as what it was made of', () => {
  fc.assert(
    fc.property(type, uuid, (name, value) => {
      const id = toGlobalId(name, value);
      expect(parseGlobalId(id)).toEqual({ type: name, uuid: value });
      expect(uuidOf(name, id)).toBe(value);
    }),
  );
});

test('an id changed in any place is refused', () => {
  fc.assert(
    fc.property(
      type,
      uuid,
      fc.nat(),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc.nat(3),
      (name, value, at, put, cut) => {
        const id = toGlobalId(name, value);
        const place = at % (id.length + 1);
        const mangled = id.slice(0, place) + put + id.slice(place + cut);
        fc.pre(mangled !== id);
        // Changed within the UUID it may be another id, well-formed: then it is one, and of this very text.
        const parsed = parseGlobalId(mangled);
        if (parsed) expect(toGlobalId(parsed.type, parsed.uuid)).toBe(mangled);
        if (parsed?.type !== name) expect(() => uuidOf(name, mangled)).toThrow(invalid);
      },
    ),
    { numRuns: 500 },
  );
});

test('any text is an id or INVALID_ID, and nothing else is thrown', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.json(),
    fc.constantFrom('', '\0', '__proto__', ':'),
  );
  fc.assert(fc.property(type, texts, (name, text) => expect(() => uuidOf(name, text)).toThrow(invalid)));
});

test('the id of another type is refused, and the message names both', () => {
  const id = toGlobalId('Weather', '01890a5d-ac96-774b-bcce-b302099a8057');
  expect(() => uuidOf('Image', id)).toThrow(/type Weather.*type Image/);
});

test.each(['urn', 'UPPER', 'braces', 'three parts'])(
  'an id that PostgreSQL would take but we did not make is refused: %s',
  (how) => {
    const plain = '01890a5d-ac96-774b-bcce-b302099a8057';
    const texts: Record<string, string> = {
      urn: `Image:urn:uuid:${plain}`,
      UPPER: `Image:${plain.toUpperCase()}`,
      braces: `Image:{${plain}}`,
      'three parts': `Image:${plain}:`,
    };
    expect(parseGlobalId(Buffer.from(texts[how] as string).toString('base64url'))).toBeNull();
  },
);

test('an overlong id is not echoed whole', () => {
  try {
    uuidOf('Image', 'x'.repeat(100_000));
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(300);
    return;
  }
  throw new Error('accepted');
});
