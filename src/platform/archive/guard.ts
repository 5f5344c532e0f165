/** What an archive may be: checked for every entry before it is handed out, and for every byte on its way. */
import { Transform } from 'node:stream';
import { ShingoError } from '../error.js';

export interface ArchiveLimits {
  maxEntries: number;
  /** Of all files together, unpacked. */
  maxBytes: number;
  /**
   * Unpacked bytes to packed ones, of the whole archive and of each file. Label files in JSON reach 50 : 1; deflate
   * cannot exceed 1032 : 1, and only what is made to do harm comes near.
   */
  maxRatio: number;
}

const LIMITS: ArchiveLimits = { maxEntries: 2_000_000, maxBytes: 256 * 2 ** 30, maxRatio: 250 };
/** So much may come of any archive: ratios say nothing of small files. */
const HARMLESS_BYTES = 64 * 2 ** 20;
const MAX_PATH = 1024;

export class Guard {
  private readonly limits: ArchiveLimits;
  private entries = 0;
  private declared = 0;

  /** @param packedBytes size of the archive itself */
  constructor(
    private readonly packedBytes: number,
    limits: Partial<ArchiveLimits>,
  ) {
    this.limits = { ...LIMITS, ...limits };
  }

  /**
   * The entry's path, made plain.
   * @param packed its size in the archive, where that is known
   * @throws ShingoError ARCHIVE_PATH, ARCHIVE_TOO_LARGE, ARCHIVE_DAMAGED
   */
  admit(name: string, bytes: number, packed?: number): string {
    this.count();
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw damaged(`${quoted(name)} has no sensible size`);
    this.declared += bytes;
    this.checkBytes(this.declared, this.packedBytes, 'The archive');
    if (packed !== undefined) this.checkBytes(bytes, packed, `The file ${quoted(name)}`);
    return plainPath(name);
  }

  /** Counts an entry of any kind. @throws ShingoError ARCHIVE_TOO_LARGE */
  count(): void {
    this.entries += 1;
    if (this.entries > this.limits.maxEntries)
      throw tooLarge(`The archive has more than ${this.limits.maxEntries} entries.`);
  }

  /** Passes on what is unpacked of the whole archive, as long as it is within the limits. */
  meter(): Transform {
    let bytes = 0;
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        try {
          this.checkBytes(bytes, this.packedBytes, 'The archive');
          done(null, chunk);
        } catch (error) {
          done(error as Error);
        }
      },
    });
  }

  private checkBytes(bytes: number, packed: number, what: string): void {
    const { maxBytes, maxRatio } = this.limits;
    if (bytes > maxBytes) throw tooLarge(`${what} has more than ${maxBytes} bytes once unpacked.`);
    if (bytes > HARMLESS_BYTES && bytes > packed * maxRatio)
      throw tooLarge(`${what} grows more than ${maxRatio} times when it is unpacked.`);
  }
}

/**
 * Relative, with `/`, without `.` and without anything that leaves the folder.
 * @throws ShingoError ARCHIVE_PATH
 */
export function plainPath(name: string): string {
  const refuse = (why: string): never => {
    throw new ShingoError('ARCHIVE_PATH', `The archive has the path ${quoted(name)}: ${why}.`, 422);
  };
  if (name.length > MAX_PATH) refuse(`it has more than ${MAX_PATH} characters`);

  if (/[\u0000-\u001f\u007f]/.test(name)) refuse('it has control characters');
  // Some writers on Windows part folders by \; elsewhere it may stand in a name, and is not worth the doubt.
  const parts = name.replaceAll('\\', '/').split('/');
  if (parts.includes('..')) refuse('it leaves its folder');
  const plain = parts.filter((part) => part !== '' && part !== '.').join('/');
  if (parts[0] === '' || /^[a-z]:/i.test(plain)) refuse('it is absolute');
  return plain === '' ? refuse('it names nothing') : plain;
}

export const quoted = (name: string) => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);

export const damaged = (why: string) =>
  new ShingoError('ARCHIVE_DAMAGED', `The archive is cut off or damaged (${why}): send it again.`, 422);

export const otherKind = (name: string, kind: string) =>
  new ShingoError(
    'ARCHIVE_ENTRY',
    `${quoted(name)} in the archive is a ${kind}; only files and folders are taken.`,
    422,
  );

const tooLarge = (message: string) => new ShingoError('ARCHIVE_TOO_LARGE', message, 422);
