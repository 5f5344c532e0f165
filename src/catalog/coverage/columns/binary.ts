/**
 * Reads arrays in PostgreSQL's binary form (array_send: dimensions, flags, element type, then length and bounds, then
 * each element as a 32-bit length, −1 for NULL, and its bytes). A chunk of 10,000 images is one row of such arrays. They
 * travel as base64, since the driver reads every value as text.
 */
const ELEMENTS = 20;
const NONE = 12;

/** An SQL expression of an array, so that `floats` and `texts` can read it. */
export const sent = (array: string) => `encode(array_send(${array}), 'base64')`;

/** An SQL expression of the place of a text among `values`, from 1 on; 0: it is none of them. */
export const code = (values: string[], column: string) =>
  `coalesce(array_position(ARRAY[${values.map((value) => `'${value}'`).join(', ')}], ${column}), 0)`;

const received = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'));

const lengthOf = (array: Buffer | null) =>
  array === null || array.length <= NONE ? 0 : array.readInt32BE(NONE);

/** Elements of a float8[]; NULL is NaN. */
export function floats(text: string | null): Float64Array {
  const array = received(text);
  const values = new Float64Array(lengthOf(array));
  let offset = ELEMENTS;
  for (let i = 0; i < values.length; i++) {
    const length = array!.readInt32BE(offset);
    values[i] = length < 0 ? NaN : array!.readDoubleBE(offset + 4);
    offset += 4 + Math.max(0, length);
  }
  return values;
}

/** Elements of a text[]; NULL is null. */
export function texts(text: string | null): (string | null)[] {
  const array = received(text);
  const values = new Array<string | null>(lengthOf(array));
  let offset = ELEMENTS;
  for (let i = 0; i < values.length; i++) {
    const length = array!.readInt32BE(offset);
    values[i] = length < 0 ? null : array!.toString('utf8', offset + 4, offset + 4 + length);
    offset += 4 + Math.max(0, length);
  }
  return values;
}
