/** Which images have a box that a filter holds of: one pass over the boxes for each term. */
import type { Where } from '../../../../graphql/list/where.js';
import { codesThat, evaluate, numbers, type Mask } from '../filter.js';
import { BOX_CODES, BOX_NUMBERS, type BoxNumber, type Boxes } from './boxes.js';

const isNumber = (name: string): name is BoxNumber => (BOX_NUMBERS as readonly string[]).includes(name);

/** False: the filter asks for what is not kept of a box (the id of its image). */
export function isKept(where: Where | null | undefined): boolean {
  return Object.entries(where ?? {}).every(([name, value]) => {
    if (value == null) return true;
    if (name === 'and' || name === 'or') return (value as Where[]).every(isKept);
    if (name === 'not') return isKept(value as Where);
    return name in BOX_CODES || isNumber(name);
  });
}

/** The images, of `size` rows, that have such a box. */
export async function imagesWith(boxes: Boxes, size: number, where: Where | null | undefined): Promise<Mask> {
  const holds = await evaluate(boxes.size, where, (name, value) => termMask(boxes, name, value as Where));
  return imagesOf(boxes, holds, size);
}

function termMask(boxes: Boxes, name: string, filter: Where): Mask {
  if (!isNumber(name)) return codes(boxes, name, filter);
  const column = boxes.numbers[name];
  const missing = () => new Float64Array(boxes.size).fill(NaN);
  return numbers(column.length > 0 ? column : missing(), boxes.size, filter);
}

/** A test of each code's text, once, and then of each box. */
function codes({ kind, size }: Boxes, name: string, filter: Where): Mask {
  const { values, shift, mask: bits } = BOX_CODES[name]!;
  const holds = codesThat([null, ...values], filter);
  const mask = new Uint8Array(size);
  for (let k = 0; k < size; k++) mask[k] = holds[(kind[k]! >> shift) & bits]!;
  return mask;
}

/** Holes belong to no image. */
function imagesOf({ start, counts }: Boxes, holds: Mask, size: number): Mask {
  const mask = new Uint8Array(size);
  const rows = Math.min(size, counts.length);
  for (let row = 0; row < rows; row++) {
    const end = start[row]! + counts[row]!;
    let found = 0;
    for (let k = start[row]!; k < end; k++) found |= holds[k]!;
    mask[row] = found;
  }
  return mask;
}
