/** What is wrong in a label file: by name, with file and position. */
import { ShingoError } from '../../../platform/error.js';

/** The file is not what its format says: cut off, another encoding, a number that is none. */
export const invalid = (position: string, what: string): ShingoError =>
  new ShingoError('LABELS_INVALID', `${position}: ${what}`);

/** A value that the format, or the catalog, has no word for. */
export interface Unknown {
  field: string;
  value: string;
  count: number;
  /** Of the first one. */
  position: string;
}

const MAX_UNKNOWN = 1000;

/** Refuses unknown values, or keeps them aside and counts them. */
export class Findings {
  readonly unknown = new Map<string, Unknown>();

  constructor(readonly lenient: boolean) {}

  /** @throws ShingoError LABELS_UNKNOWN_VALUE unless lenient */
  report(position: string, field: string, value: unknown, known: Iterable<string>): null {
    const text = shown(value);
    if (!this.lenient) {
      const list = [...known];
      const nearest = list.find((one) => one.toLowerCase().startsWith(text.slice(1, 4).toLowerCase()));
      throw new ShingoError(
        'LABELS_UNKNOWN_VALUE',
        `${position}: ${field} ${text} is not known${nearest ? `; did you mean ${JSON.stringify(nearest)}?` : ''} (known: ${list.slice(0, 20).join(', ')}). --lenient keeps such values aside.`,
      );
    }
    const key = `${field} ${text}`;
    const found = this.unknown.get(key);
    if (found) found.count += 1;
    else if (this.unknown.size < MAX_UNKNOWN)
      this.unknown.set(key, { field, value: text, count: 1, position });
    return null;
  }

  /** The word of the catalog for a word of the format; null: there is none, and that is kept aside. */
  word<T extends string>(
    position: string,
    field: string,
    value: unknown,
    words: Record<string, T>,
  ): T | null {
    if (typeof value === 'string' && Object.hasOwn(words, value)) return words[value] as T;
    return this.report(position, field, value, Object.keys(words));
  }
}

const shown = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

/** @throws ShingoError LABELS_INVALID */
export function finite(position: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw invalid(position, `${shown(value)} is not a finite number`);
}

/**
 * A file name as it may stand in the catalog: relative, `/` between folders. Addresses are cut to their last part.
 * @throws ShingoError LABELS_INVALID: empty, absolute, with `..` or control characters
 */
export function fileNameOf(position: string, value: unknown): string {
  if (typeof value !== 'string' || value === '')
    throw invalid(position, `${shown(value)} is not a file name`);
  const address = /^[a-z][a-z0-9+.-]*:\/\/[^/]+\/(.*)$/i.exec(value);
  const path = (address ? (address[1] as string).split(/[?#]/)[0]!.split('/').at(-1)! : value)
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '');
  const bad = /^\/|^[a-z]:|(^|\/)\.\.(\/|$)|[\u0000-\u001f\u007f]/i.test(path);
  if (bad || path === '' || path.length > 1000)
    throw invalid(position, `${shown(value)} is not a relative file name`);
  return path;
}
