/**
 * Elements of the lists in a JSON file, one at a time: finds where each ends and parses it whole. 200 MB need no more
 * memory than their largest element, and this is as fast as JSON.parse, which a token stream is not.
 */
import { invalid } from './problem.js';
import { utf8, type InputFile } from './input.js';

export interface Element {
  /** The key of the list in the file's object; '' if the file is a list. Null: the value itself is no list. */
  key: string;
  /** Within the list; -1: not in a list, or the list itself, which is empty. */
  index: number;
  value: unknown;
  position: string;
}

const MAX_ELEMENT = 64 * 1024 * 1024;
const MAX_DEPTH = 200;
const [QUOTE, BACKSLASH, OPEN, CLOSE, LIST, END, COMMA, COLON] = [
  0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a,
];
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Where the scan is: before the file's value, in its object (key or value), in a list, behind all. */
type Place = 'start' | 'key' | 'colon' | 'value' | 'after' | 'item' | 'afterItem' | 'end';

/**
 * Yields every element of a top-level list, or of each list that is a value of the top-level object, and its other
 * values whole.
 * @throws ShingoError LABELS_INVALID
 */
export async function* elements(input: InputFile): AsyncGenerator<Element, void> {
  let buffer: Buffer = Buffer.alloc(0);
  let at = 0;
  /** Start of the value or key under way; −1: none. */
  let start = -1;
  const value: UnderWay = { depth: 0, inString: false, escaped: false, scalar: false };
  let place: Place = 'start';
  let object = false;
  /** No key of the object yet: only then may it end here. */
  let first = true;
  let key = '';
  let index = -1;
  let consumed = 0;
  const where = () => `${input.path}: byte ${consumed + at}`;
  const named = () => `${input.path}:${key}${index >= 0 ? `[${index}]` : ''}`;
  const parse = (from: number, to: number): unknown => {
    const text = utf8(named(), buffer.subarray(from, to));
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw invalid(named(), `this is not JSON: ${text.slice(0, 60)}`);
    }
  };
  for await (const chunk of input.open()) {
    // Only what belongs to a value under way is kept.
    const from = start >= 0 ? start : at;
    consumed += from;
    buffer =
      from === buffer.length
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([buffer.subarray(from), chunk]);
    at -= from;
    if (start >= 0) start = 0;
    if (consumed === 0 && at === 0) {
      if (
        buffer.length >= 2 &&
        ((buffer[0] === 0xff && buffer[1] === 0xfe) || (buffer[0] === 0xfe && buffer[1] === 0xff))
      )
        throw invalid(input.path, 'this is UTF-16; save the file as UTF-8');
      if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) at = 3;
    }
    for (; at < buffer.length; at++) {
      if (start >= 0) {
        at = endOf(buffer, at, value);
        if (value.depth > MAX_DEPTH) throw invalid(named(), `nested more than ${MAX_DEPTH} deep`);
        if (value.depth < 0) throw invalid(where(), 'a bracket too many');
        if (at === buffer.length) break;
        const { scalar } = value;
        const ends = scalar ? at : at + 1;
        const parsed = parse(start, ends);
        if (place === 'key') {
          if (typeof parsed !== 'string') throw invalid(where(), 'a key is no text');
          key = parsed;
          first = false;
          place = 'colon';
        } else {
          yield { key, index, value: parsed, position: named() };
          place = place === 'item' ? 'afterItem' : 'after';
        }
        start = -1;
        if (scalar) at -= 1; // The byte that ended it has a meaning of its own.
        continue;
      }
      const byte = buffer[at] as number;
      if (isSpace(byte)) continue;
      switch (place) {
        case 'start':
          if (byte === LIST) [place, index] = ['item', 0];
          else if (byte === OPEN) [place, object] = ['key', true];
          else throw invalid(where(), 'JSON begins with { or [');
          break;
        case 'key':
          if (byte === CLOSE && first) place = 'end';
          else if (byte === QUOTE) begin(byte);
          else throw invalid(where(), 'a key was expected');
          break;
        case 'colon':
          if (byte !== COLON) throw invalid(where(), 'a colon was expected');
          place = 'value';
          index = -1;
          break;
        case 'value':
          if (byte === LIST) [place, index] = ['item', 0];
          else begin(byte);
          break;
        case 'item':
          if (byte === END && index === 0) {
            if (object) yield { key, index: -1, value: [], position: `${input.path}:${key}` };
            place = object ? 'after' : 'end';
          } else begin(byte);
          break;
        case 'afterItem':
          if (byte === COMMA) [place, index] = ['item', index + 1];
          else if (byte === END) place = object ? 'after' : 'end';
          else throw invalid(where(), 'a comma or ] was expected');
          break;
        case 'after':
          if (byte === COMMA) place = 'key';
          else if (byte === CLOSE) place = 'end';
          else throw invalid(where(), 'a comma or } was expected');
          break;
        case 'end':
          throw invalid(where(), 'something stands behind the end');
      }
    }
    if (start >= 0 && buffer.length - start > MAX_ELEMENT)
      throw invalid(named(), `an element of more than ${MAX_ELEMENT} bytes`);
  }
  if (place !== 'end') throw invalid(input.path, 'the file is cut off');

  function begin(byte: number): void {
    start = at;
    value.inString = byte === QUOTE;
    value.depth = byte === OPEN || byte === LIST ? 1 : 0;
    value.scalar = !value.inString && value.depth === 0;
    value.escaped = false;
  }
}

/** What is known of the value that is being read. */
interface UnderWay {
  depth: number;
  inString: boolean;
  escaped: boolean;
  /** A number or a word, which ends where something else begins. */
  scalar: boolean;
}

/**
 * Where the value ends: its last byte, or the byte behind a scalar; the buffer's length if it goes on. Nothing but its
 * end is looked for, in variables of its own: three times as fast as within the generator.
 * The depth is left negative by a bracket too many, and above the limit by a nesting too deep.
 */
function endOf(buffer: Buffer, from: number, value: UnderWay): number {
  let { depth, inString, escaped } = value;
  const { scalar } = value;
  const length = buffer.length;
  let at = from;
  for (; at < length; at++) {
    const byte = buffer[at]!;
    if (inString) {
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        inString = false;
        if (depth === 0) break;
      }
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN || byte === LIST) {
      if (++depth > MAX_DEPTH) break;
    } else if (byte === CLOSE || byte === END) {
      // The end of what a number or word stands in ends it too.
      if (depth === 0) {
        if (!scalar) depth = -1;
        break;
      }
      if (--depth === 0) break;
    } else if (depth === 0 && scalar && (byte === COMMA || isSpace(byte))) break;
  }
  [value.depth, value.inString, value.escaped] = [depth, inString, escaped];
  return at;
}

/** @throws ShingoError LABELS_INVALID */
export function objectAt(position: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid(position, `an object was expected, not ${JSON.stringify(value)?.slice(0, 60)}`);
}

/** Missing and null are null. @throws ShingoError LABELS_INVALID */
export function listAt(position: string, value: unknown): unknown[] | null {
  if (value == null) return null;
  if (Array.isArray(value)) return value;
  throw invalid(position, `a list was expected, not ${JSON.stringify(value)?.slice(0, 60)}`);
}
