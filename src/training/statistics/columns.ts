/** Columns that grow: a hundredth of the memory that objects take. */

type Numbers = Float64Array | Int32Array | Uint16Array | Int16Array | Uint8Array;
type Maker<T extends Numbers> = new (length: number) => T;

export class Column<T extends Numbers> {
  length = 0;
  private values: T;

  constructor(private readonly make: Maker<T>) {
    this.values = new make(256);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new this.make(this.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  at(i: number): number {
    return this.values[i]!;
  }
}

export const doubles = () => new Column<Float64Array>(Float64Array);
export const integers = () => new Column<Int32Array>(Int32Array);
export const masks = () => new Column<Uint16Array>(Uint16Array);
export const bytes = () => new Column<Uint8Array>(Uint8Array);
export const labels = () => new Column<Int16Array>(Int16Array);

/** In memory that threads share: a plan of 10,000 images is 12 MB, and is not copied. */
export function sharedIntegers(length: number, value: (i: number) => number): Int32Array {
  const values = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  for (let i = 0; i < length; i++) values[i] = value(i);
  return values;
}
