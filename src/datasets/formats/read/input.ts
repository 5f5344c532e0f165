/** Where label files come from: one file, or all below a folder. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ShingoError } from '../../../platform/error.js';

export interface InputFile {
  /** Relative to the set, `/` between folders. */
  path: string;
  bytes: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface FileSet {
  name: string;
  /** In the order of their paths. */
  files: InputFile[];
}

const MAX_FILES = 2_000_000;

const file = (root: string, path: string, bytes: number): InputFile => ({
  ...{ path, bytes },
  open: () => createReadStream(join(root, path), { highWaterMark: 1 << 18 }),
});

/** @throws ShingoError NOT_FOUND, LABELS_INVALID (too many files) */
export async function openFileSet(path: string): Promise<FileSet> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new ShingoError('NOT_FOUND', `There is no file or folder ${path}.`, 404);
  const whole = resolve(path);
  const name = basename(whole);
  if (found.isFile()) return { name, files: [file(join(whole, '..'), name, found.size)] };
  const files: InputFile[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(join(whole, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) await walk(inner);
      else if (entry.isFile()) files.push(file(whole, inner, (await stat(join(whole, inner))).size));
      if (files.length > MAX_FILES)
        throw new ShingoError('LABELS_INVALID', `${path}: more than ${MAX_FILES} files`);
    }
  };
  await walk('');
  return { name, files };
}

/** The set's files with one of these endings. */
export const withEnding = ({ files }: FileSet, ...endings: string[]): InputFile[] =>
  files.filter(({ path }) => endings.some((ending) => path.toLowerCase().endsWith(ending)));

/** Of a small file only. @throws ShingoError LABELS_INVALID */
export async function textOf(input: InputFile, maxBytes: number): Promise<string> {
  if (input.bytes > maxBytes)
    throw new ShingoError('LABELS_INVALID', `${input.path}: more than ${maxBytes} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of input.open()) chunks.push(chunk);
  return utf8(input.path, Buffer.concat(chunks));
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Without a byte order mark. @throws ShingoError LABELS_INVALID */
export function utf8(position: string, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new ShingoError('LABELS_INVALID', `${position}: this is not UTF-8; save the file as UTF-8`);
  }
}

/** Lines without their ends; a last line without one counts. @throws ShingoError LABELS_INVALID */
export async function* lines(input: InputFile): AsyncGenerator<{ text: string; number: number }, void> {
  let rest: Uint8Array = new Uint8Array(0);
  let number = 0;
  const line = (bytes: Uint8Array) => {
    const text = utf8(`${input.path}:${++number}`, bytes);
    return { text: text.endsWith('\r') ? text.slice(0, -1) : text, number };
  };
  for await (const chunk of input.open()) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const head = chunk.subarray(start, end);
      yield line(rest.length > 0 ? Buffer.concat([rest, head]) : head);
      rest = new Uint8Array(0);
      start = end + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
    if (rest.length > MAX_LINE)
      throw new ShingoError(
        'LABELS_INVALID',
        `${input.path}:${number + 1}: a line of more than ${MAX_LINE} bytes`,
      );
  }
  if (rest.length > 0) yield line(rest);
}
const MAX_LINE = 1 << 20;
