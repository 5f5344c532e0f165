/** Bosch Small Traffic Lights: a YAML list of pictures, read item by item. */
import { parse } from 'yaml';
import type { Frame, FrameBox } from '../frame.js';
import { lines, withEnding, type FileSet } from './input.js';
import { listAt, objectAt } from './json.js';
import { fileNameOf, finite, invalid, type Findings } from './problem.js';

const LABEL = /^(Green|Yellow|Red)(Straight)?(Left|Right)?$/;
const [WIDTH, HEIGHT] = [1280, 720];
/** Characters of one item: more than 10,000 boxes. */
const MAX_ITEM = 2_000_000;
/** As of JSON. A million brackets take the parser 25 s, in which nothing else is done. */
const MAX_DEPTH = 200;

export async function* readBosch(input: FileSet, findings: Findings): AsyncGenerator<Frame, void> {
  for (const file of withEnding(input, '.yaml', '.yml')) {
    let item: string[] = [];
    let first = 1;
    let index = 0;
    let [length, depth] = [0, 0];
    for await (const { text, number } of lines(file)) {
      const begins = text.startsWith('- ');
      if (begins && item.length > 0) {
        yield frameOf(item, `${file.path}:${first}`, findings);
        index += 1;
        item = [];
      }
      if (begins) [first, length, depth] = [number, 0, 0];
      if (item.length === 0 && !begins) {
        if (/^(---.*|\s*(#.*)?)$/.test(text) || (index === 0 && /^\[\s*\]$/.test(text))) continue;
        throw invalid(`${file.path}:${number}`, 'a list of pictures was expected');
      }
      item.push(text);
      length += text.length + 1;
      if (length > MAX_ITEM)
        throw invalid(`${file.path}:${first}`, `an item of more than ${MAX_ITEM} characters`);
      depth = nested(text, depth);
      if (depth > MAX_DEPTH) throw invalid(`${file.path}:${number}`, `nested more than ${MAX_DEPTH} deep`);
    }
    if (item.length > 0) yield frameOf(item, `${file.path}:${first}`, findings);
  }
}

/** At most so deep is what the line opens; quoted brackets count too, which no label has. */
function nested(text: string, before: number): number {
  // Dashes open a list each: - - - a
  const marks = /^[\s?:-]*/.exec(text)![0].replaceAll(/\s/g, '').length;
  if (marks > MAX_DEPTH) return marks;
  let depth = before;
  for (const char of text) {
    if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth -= 1;
    if (depth > MAX_DEPTH) break;
  }
  return depth;
}

function frameOf(item: string[], position: string, findings: Findings): Frame {
  let value: unknown;
  try {
    // YAML 1.2, in which a bare `off` is a word; 1.1 would read it as false. No aliases: they can grow without bound.
    value = (parse(item.join('\n'), { maxAliasCount: 0 }) as unknown[])[0];
  } catch (error) {
    throw invalid(position, `this is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const picture = objectAt(position, value);
  const boxes = listAt(`${position}.boxes`, picture.boxes);
  return {
    fileName: fileNameOf(`${position}.path`, picture.path),
    width: WIDTH,
    height: HEIGHT,
    boxes: boxes && boxes.flatMap((box, index) => boxOf(box, `${position}.boxes[${index}]`, findings) ?? []),
    position,
  };
}

function boxOf(value: unknown, position: string, findings: Findings): FrameBox | null {
  const box = objectAt(position, value);
  // Written by a tool of YAML 1.1, and read by one: off had become false.
  const label = box.label === false ? 'off' : box.label;
  const known = typeof label === 'string' ? LABEL.exec(label) : null;
  if (!known && label !== 'off')
    return findings.report(`${position}.label`, 'label', label, ['Green', 'Yellow', 'Red', 'RedLeft', 'off']);
  const side = (name: string) => finite(`${position}.${name}`, box[name]);
  const [a, b, c, d] = [side('x_min'), side('x_max'), side('y_min'), side('y_max')];
  const [, color, straight, turn] = known ?? [];
  return {
    category: 'TRAFFIC_LIGHT',
    // Some boxes have their corners the other way round.
    x: Math.min(a, b),
    y: Math.min(c, d),
    width: Math.abs(b - a),
    height: Math.abs(d - c),
    color: color ? (color.toUpperCase() as FrameBox['color']) : 'OFF',
    arrows: [
      ...(straight ? (['STRAIGHT'] as const) : []),
      ...(turn ? [turn.toUpperCase() as 'LEFT' | 'RIGHT'] : []),
    ],
    occluded: typeof box.occluded === 'boolean' ? box.occluded : null,
    label: label as string,
  };
}
