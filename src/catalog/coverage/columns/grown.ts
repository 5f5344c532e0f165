/** Typed arrays that grow. */
type Growable = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

export function grown<A extends Growable>(array: A, capacity: number): A {
  const larger = new (array.constructor as new (length: number) => A)(capacity);
  larger.set(array);
  return larger;
}

/** Room for some more, so that growing by one at a time copies each entry a few times in all. */
export const spacious = (length: number): number => Math.ceil(1.25 * length);
