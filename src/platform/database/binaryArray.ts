/**
 * Arrays of numbers in PostgreSQL's binary form, which the driver hands on as it is: neither side writes or reads digits.
 * Format: `array_recv` of PostgreSQL, https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c
 */

/** Big-endian. */
type Write = (to: DataView, offset: number, value: number) => void;

const TWO_32 = 2 ** 32;
const EPOCH_MS = Date.UTC(2000, 0, 1);

const int8: Write = (to, offset, value) => {
  const high = Math.floor(value / TWO_32);
  to.setInt32(offset, high);
  to.setUint32(offset + 4, value - high * TWO_32);
};

/** OIDs are those of `pg_type`, the same everywhere. */
const TYPES: Record<'int4' | 'int8' | 'float8', { oid: number; bytes: number; write: Write; max: number }> = {
  int4: { oid: 23, bytes: 4, write: (to, offset, value) => to.setInt32(offset, value), max: 2 ** 31 - 1 },
  int8: { oid: 20, bytes: 8, write: int8, max: Number.MAX_SAFE_INTEGER },
  float8: { oid: 701, bytes: 8, write: (to, offset, value) => to.setFloat64(offset, value), max: Infinity },
};

/**
 * For a parameter of this type (`$1::float8[]`). A column of null is null.
 * @throws RangeError a number that the type cannot hold
 */
export function binaryArray(
  type: keyof typeof TYPES,
  column: readonly (number | null)[] | null,
): Buffer | null {
  if (column === null) return null;
  const { oid, bytes, write, max } = TYPES[type];
  if (max !== Infinity) checkIntegers(type, column, max);
  return arrayOf(oid, bytes, write, column);
}

/** For a parameter of `timestamptz[]`; microseconds since 2000, to the millisecond. */
export const binaryTimes = (column: readonly (Date | null)[] | null): Buffer | null =>
  column &&
  arrayOf(
    1184,
    8,
    int8,
    column.map((time) => time && (time.getTime() - EPOCH_MS) * 1000),
  );

function arrayOf(oid: number, bytes: number, write: Write, column: readonly (number | null)[]): Buffer {
  const nulls = column.reduce<number>((sum, value) => sum + (value === null ? 1 : 0), 0);
  const buffer = Buffer.allocUnsafe(
    column.length === 0 ? 12 : 20 + 4 * column.length + bytes * (column.length - nulls),
  );
  const to = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  to.setInt32(0, column.length === 0 ? 0 : 1);
  to.setInt32(4, nulls > 0 ? 1 : 0);
  to.setInt32(8, oid);
  if (column.length === 0) return buffer;
  to.setInt32(12, column.length);
  // Where counting begins.
  to.setInt32(16, 1);
  let offset = 20;
  for (const value of column) {
    to.setInt32(offset, value === null ? -1 : bytes);
    offset += 4;
    if (value === null) continue;
    write(to, offset, value);
    offset += bytes;
  }
  return buffer;
}

function checkIntegers(type: string, column: readonly (number | null)[], max: number): void {
  for (const value of column)
    if (value !== null && !(Number.isInteger(value) && value <= max && value >= -max - 1))
      throw new RangeError(`${value} is no ${type}.`);
}
