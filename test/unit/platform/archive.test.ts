/** Archives from strangers: what is in them comes out as it went in, and what would do harm does not. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { crc32, createGzip, deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack, type Header } from 'tar-stream';
import { archiveKind, entries, type ArchiveLimits } from '../../../src/platform/archive/index.js';
import { zeros } from '../../support/bombs.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-archive-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface File {
  name: string;
  data: Buffer;
}
const file = (name: string, text = 'content'): File => ({ name, data: Buffer.from(text) });

async function saved(bytes: Buffer): Promise<string> {
  const path = join(folder, 'archive');
  await writeFile(path, bytes);
  return path;
}

async function tar(items: (Partial<Header> & { name: string; data?: Buffer })[]): Promise<Buffer> {
  const packed = pack();
  for (const { data, ...header } of items)
    packed.entry({ size: data?.length ?? 0, ...header }, data ?? Buffer.alloc(0));
  packed.finalize();
  return buffer(packed);
}

interface ZipItem {
  name: string | Buffer;
  /** What lies in the archive; stored as it is unless `method` says otherwise. */
  data: Buffer;
  method?: number;
  /** Unpacked size, as claimed. */
  size?: number;
  crc?: number;
  mode?: number;
  flags?: number;
  /** Offset of another entry's data: overlapping. */
  offset?: number;
}

/** Written by hand, since no library writes the zips that these tests need. */
function zip(items: ZipItem[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const {
    name,
    data,
    method = 0,
    size = data.length,
    crc = crc32(data),
    mode = 0o100644,
    ...rest
  } of items) {
    const { flags = 0x800, offset = at } = rest;
    const raw = Buffer.isBuffer(name) ? name : Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc >>> 0, 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(raw.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, tail, raw);
    if (rest.offset !== undefined) continue;
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), common, raw, data]);
    local.push(header);
    at += header.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(items.length, 8);
  end.writeUInt16LE(items.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, directory, end]);
}

const WRITERS: Record<string, (files: File[]) => Promise<Buffer>> = {
  zip: async (files) => zip(files),
  'deflated zip': async (files) =>
    zip(
      files.map(({ name, data }) => ({
        ...{ name, data: deflateRawSync(data), method: 8, size: data.length, crc: crc32(data) },
      })),
    ),
  tar: (files) => tar(files),
  'tar.gz': async (files) => gzipSync(await tar(files)),
};
const kinds = Object.keys(WRITERS);
const write = (kind: string, files: File[]) => (WRITERS[kind] as (typeof WRITERS)[string])(files);

async function unpack(bytes: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<File[]> {
  const files: File[] = [];
  for await (const entry of entries(await saved(bytes), limits)) {
    const data = await buffer(entry.open());
    expect(data.length).toBe(entry.bytes);
    files.push({ name: entry.path, data });
  }
  return files;
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describe.each(kinds)('%s', (kind) => {
  test('any files come out as they went in, in their order', async () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9_ äß信号🚦-]{1,12}$/u);
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const some = fc.array(
      fc.record({ name: path, data: fc.uint8Array({ maxLength: 3000 }).map((b) => Buffer.from(b)) }),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(some, async (files) => {
        if (files.length === 0 && kind.startsWith('tar')) return;
        expect(await unpack(await write(kind, files))).toEqual(files);
      }),
      { numRuns: 40 },
    );
  });

  test('no path that is handed out leaves its folder, whatever it is in the archive', async () => {
    const nasty = fc.constantFrom(
      '..',
      '.',
      '',
      '...',
      'C:',
      '~',
      '\\',
      '..\\',
      'a',
      'b.jpg',
      '\0',
      '\n',
      '%2e%2e',
    );
    const name = fc.oneof(
      fc.array(nasty, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/')),
      fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(name, async (name) => {
        const found = await unpack(await write(kind, [file(name)])).catch((error: { code: string }) => {
          expect(error.code).toMatch(/^ARCHIVE_(PATH|DAMAGED)$/);
          return [];
        });
        for (const { name: path } of found) {
          expect(join('/inside', path).startsWith('/inside/')).toBe(true);
          expect(path.split('/')).not.toContain('..');
          expect(path).not.toMatch(/^\/?$|\\|\0|^[a-z]:/i);
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ...['../a', 'a/../../b', '/etc/passwd', 'a/..', '..', 'C:/a', 'c:a', '..\\a', '\\\\host\\a', 'a\nb'],
    'x'.repeat(1025),
  ])('%j is refused by name', async (name) => {
    expect(await codeOf(write(kind, [file('fine'), file(name)]).then(unpack))).toBe('ARCHIVE_PATH');
  });

  test('./a//b is a/b', async () => {
    expect(await unpack(await write(kind, [file('./a//b')]))).toEqual([file('a/b')]);
  });

  test('what is not opened, or only begun, is passed over', async () => {
    const files = Array.from({ length: 6 }, (_, n) => file(`${n}`, String(n).repeat(300_000)));
    const path = await saved(await write(kind, files));
    const read: string[] = [];
    for await (const entry of entries(path)) {
      if (entry.path === '2' || entry.path === '5')
        read.push((await buffer(entry.open())).toString('latin1', 0, 2));
      if (entry.path === '3') for await (const _ of entry.open()) break;
    }
    expect(read).toEqual(['22', '55']);
  });

  test('leaving early closes it', async () => {
    const path = await saved(await write(kind, [file('a'), file('b', 'x'.repeat(1e6)), file('c')]));
    for await (const entry of entries(path)) if (entry.path === 'b') break;
    if (process.platform !== 'linux') return;
    const opened = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => ''),
      );
      return (await Promise.all(links)).includes(path);
    };
    while (await opened()) await new Promise((resolve) => setImmediate(resolve));
  });

  test('more entries, or more bytes, than allowed', async () => {
    const bytes = await write(kind, [file('a'), file('b'), file('c')]);
    expect(await codeOf(unpack(bytes, { maxEntries: 2 }))).toBe('ARCHIVE_TOO_LARGE');
    expect(await codeOf(unpack(bytes, { maxEntries: 3 }))).toBe('no error');
    expect(await codeOf(unpack(bytes, { maxBytes: 20 }))).toBe('ARCHIVE_TOO_LARGE');
  });

  test('cut off anywhere it is damaged, or no archive, or what comes out is right', async () => {
    const files = [file('a', 'x'.repeat(5000)), file('b', 'y'.repeat(3000))];
    const bytes = await write(kind, files);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (length) => {
        const found = await unpack(bytes.subarray(0, length)).catch((error: { code: string }) => error.code);
        // The end of a tar is padding, which may be missing.
        if (Array.isArray(found)) expect(found).toEqual(files.slice(0, found.length));
        else expect(found).toMatch(/^ARCHIVE_(DAMAGED|UNKNOWN)$/);
      }),
      { numRuns: 60 },
    );
  });

  test('with any bytes changed it ends with a code or with files', async () => {
    const bytes = await write(kind, [file('a/b', 'x'.repeat(500)), file('c', 'y'.repeat(300))]);
    const changes = fc.array(fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(changes, async (some) => {
        const broken = Buffer.from(bytes);
        for (const { at, to } of some) broken[at] = to;
        const found = await unpack(broken).catch((error: { code: string }) => error.code);
        if (!Array.isArray(found)) expect(found).toMatch(/^ARCHIVE_/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is neither file nor folder', () => {
  test.each(['symlink', 'link', 'character-device', 'block-device', 'fifo'] as const)(
    'a %s in a tar',
    async (type) => {
      const bytes = await tar([{ name: 'a', type, linkname: '/etc/passwd' }]);
      expect(await codeOf(unpack(bytes))).toBe('ARCHIVE_ENTRY');
    },
  );

  test.each([0o120777, 0o020644, 0o060644, 0o010644, 0o140755])('mode %d in a zip', async (mode) => {
    expect(await codeOf(unpack(zip([{ ...file('a', '/etc/passwd'), mode }])))).toBe('ARCHIVE_ENTRY');
  });

  test('folders are not told of', async () => {
    expect(
      await unpack(
        await tar([
          { name: 'd', type: 'directory' },
          { name: 'd/a', data: Buffer.from('x') },
        ]),
      ),
    ).toEqual([file('d/a', 'x')]);
    const folders = zip([{ name: 'd/', data: Buffer.alloc(0), mode: 0o040755 }, file('d/a', 'x')]);
    expect(await unpack(folders)).toEqual([file('d/a', 'x')]);
  });
});

describe('bombs', () => {
  const QUARTER = 2 ** 28;

  test('a zip of 256 MiB of zeros is refused before a byte is unpacked', async () => {
    // Raw deflate: without zlib's header and checksum.
    const data = (await zeros(QUARTER)).subarray(2, -4);
    expect(data.length).toBeLessThan(2 ** 21);
    const bomb = zip([{ name: 'a', data, method: 8, size: QUARTER }]);
    expect(await codeOf(unpack(bomb))).toBe('ARCHIVE_TOO_LARGE');
    const liar = zip([{ name: 'a', data, method: 8, size: 1000 }]);
    expect(await codeOf(unpack(liar))).toBe('ARCHIVE_DAMAGED');
  });

  test('a zip whose thousand files are the same bytes', async () => {
    const plain = Buffer.alloc(2 ** 20, 'abcdefgh');
    const data = deflateRawSync(plain, { level: 1 });
    const one = { name: 'a', data, method: 8, size: plain.length, crc: crc32(plain) };
    const rest = Array.from({ length: 1000 }, (_, n) => ({ ...one, name: `a${n}`, offset: 0 }));
    expect(await codeOf(unpack(zip([one, ...rest])))).toBe('ARCHIVE_TOO_LARGE');
  });

  test('a tar.gz of 256 MiB of zeros, also where nobody reads them, and after its end', async () => {
    for (const size of [QUARTER, 0]) {
      const path = join(folder, 'bomb.tar.gz');
      const head = (await tar([{ name: 'a', data: Buffer.alloc(0) }])).subarray(0, 512);
      head.write(size.toString(8).padStart(11, '0'), 124);
      head.write('        ', 148);
      head.write(
        head
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, '0') + '\0 ',
        148,
      );
      const block = Buffer.alloc(2 ** 20);
      const source = function* () {
        yield head;
        for (let n = 0; n < 256; n++) yield block;
      };
      await pipeline(source, createGzip(), createWriteStream(path));
      const passOver = async () => {
        for await (const _ of entries(path));
      };
      expect(await codeOf(passOver())).toBe('ARCHIVE_TOO_LARGE');
    }
  });
});

test.each([
  ['encrypted', { flags: 0x801, data: Buffer.alloc(20), size: 8 }, 'ARCHIVE_UNSUPPORTED'],
  ['packed by a method of its own', { method: 12 }, 'ARCHIVE_UNSUPPORTED'],
])('a zip that is %s', async (_name, change, code) => {
  expect(await codeOf(unpack(zip([{ ...file('a'), ...change }])))).toBe(code);
});

test('the kind is told from the bytes', async () => {
  for (const kind of kinds) {
    const expected = kind === 'deflated zip' ? 'zip' : kind;
    expect(await archiveKind(await saved(await write(kind, [file('a')])))).toBe(expected);
  }
  for (const other of ['', 'PK', '{"frames": []}', '\x1f\x8b']) {
    expect(await archiveKind(await saved(Buffer.from(other, 'latin1')))).toBeNull();
  }
  expect(await archiveKind(await saved(gzipSync('{"frames": []}')))).toBeNull();
  expect(await codeOf(unpack(Buffer.from('no archive')))).toBe('ARCHIVE_UNKNOWN');
});

test('a file that is missing is the file system’s error', async () => {
  expect(await codeOf(entries(join(folder, 'none')).next())).toBe('ENOENT');
});

test.each(['tar', 'tar.gz'])('memory does not grow with a %s', async (kind) => {
  const path = join(folder, `large.${kind}`);
  const packed = pack();
  const block = Buffer.from(Array.from({ length: 2 ** 16 }, (_, n) => (n * 7919) % 251));
  const writing = pipeline(
    packed,
    ...((kind === 'tar' ? [] : [createGzip({ level: 1 })]) as []),
    createWriteStream(path),
  );
  for (let n = 0; n < 100; n++) {
    const entry = packed.entry({ name: `${n}`, size: block.length * 100 });
    const event = (name: 'drain' | 'close') =>
      new Promise<void>((resolve) => entry.once(name, () => resolve()));
    for (let part = 0; part < 100; part++) if (!entry.write(block)) await event('drain');
    const closed = event('close');
    entry.end(null);
    await closed;
  }
  packed.finalize();
  await writing;
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  let bytes = 0;
  for await (const entry of entries(path, { maxRatio: 1e6 })) {
    for await (const chunk of entry.open() as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
  }
  expect(bytes).toBe(100 * 100 * block.length);
  expect(most).toBeLessThan(250 * 2 ** 20);
});
