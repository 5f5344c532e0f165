import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { Sharp } from 'sharp';
import { inspectPicture } from '../../../src/catalog/image/picture/index.js';
import { plain, plasma } from './files.js';

const codeOf = async (bytes: Buffer, limits = {}): Promise<string> => {
  try {
    await inspectPicture(bytes, limits);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const picture = () => plasma(160, 120);

describe('PICTURE_UNSUPPORTED', () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
  test.each([
    ['SVG', Buffer.from(svg)],
    ['SVG after an XML declaration', Buffer.from(`<?xml version="1.0"?>${svg}`)],
    ['PDF', Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\n')],
    ['HTML', Buffer.from('<!doctype html><title>Sign in</title>')],
    ['HEIC', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
    ['a single byte', Buffer.from([0xff])],
  ])('%s', async (_name, bytes) => {
    expect(await codeOf(bytes)).toBe('PICTURE_UNSUPPORTED');
  });

  test.each(['gif', 'tiff'] as const)('%s', async (format) => {
    expect(await codeOf(await picture().toFormat(format).toBuffer())).toBe('PICTURE_UNSUPPORTED');
  });

  test('any bytes that no format claims', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        expect(await codeOf(Buffer.from(bytes))).toBe('PICTURE_UNSUPPORTED');
      }),
      { numRuns: 200 },
    );
  });

  test('a right signature before random bytes is refused, too', async () => {
    const signatures = ['ffd8ff', '89504e470d0a1a0a', '524946460000000057454250', '000000186674797061766966'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...signatures),
        fc.uint8Array({ maxLength: 400 }),
        async (hex, bytes) => {
          const made = Buffer.concat([Buffer.from(hex, 'hex'), bytes]);
          expect(await codeOf(made)).toMatch(/^PICTURE_(TRUNCATED|DAMAGED|TOO_LARGE)$/);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('PICTURE_TRUNCATED', () => {
  const encoders: Record<string, () => Sharp> = {
    'baseline JPEG': () => picture().jpeg({ quality: 90 }),
    'progressive JPEG': () => picture().jpeg({ progressive: true }),
    'JPEG with EXIF': () => picture().withMetadata({ orientation: 6 }).jpeg(),
    PNG: () => picture().png(),
    'interlaced PNG': () => picture().png({ progressive: true }),
    'lossy WebP': () => picture().webp(),
    'lossless WebP': () => picture().webp({ lossless: true }),
    AVIF: () => picture().avif({ effort: 0 }),
  };
  // A prefix of fewer bytes than the longest signature is not known to be a picture at all.
  const SIGNATURE = 24;

  test.each(Object.keys(encoders))('any strict prefix of a %s is refused', async (name) => {
    const bytes = await encoders[name]!().toBuffer();
    expect(await codeOf(bytes)).toBe('accepted');
    const anywhere = fc.integer({ min: 1, max: bytes.length - 1 });
    // The last bytes are where decoders are lenient: PNG's IEND, JPEG's EOI.
    const nearTheEnd = fc.integer({ min: bytes.length - 20, max: bytes.length - 1 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anywhere, nearTheEnd), async (length) => {
        const code = await codeOf(bytes.subarray(0, length));
        if (length < SIGNATURE) expect(code).toMatch(/^PICTURE_(UNSUPPORTED|TRUNCATED)$/);
        else expect(code).toBe('PICTURE_TRUNCATED');
      }),
      { numRuns: 60 },
    );
  });

  test('the end marker of an EXIF thumbnail is not the end of the picture', async () => {
    const bytes = await picture().jpeg().toBuffer();
    const thumbnail = await plain(16, 16, '#336699').jpeg().toBuffer();
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), Buffer.from('Exif\0\0'), thumbnail]);
    segment.writeUInt16BE(segment.length - 2, 2);
    const whole = Buffer.concat([bytes.subarray(0, 2), segment, bytes.subarray(2)]);
    expect(await codeOf(whole)).toBe('accepted');
    expect(await codeOf(whole.subarray(0, whole.length - 200))).toBe('PICTURE_TRUNCATED');
  });

  test.each(Object.keys(encoders).filter((name) => name !== 'AVIF'))(
    'bytes after the end of a %s are allowed, as motion photos have them',
    async (name) => {
      const bytes = await encoders[name]!().toBuffer();
      expect(await codeOf(Buffer.concat([bytes, Buffer.alloc(100, 7)]))).toBe('accepted');
    },
  );
});

describe('PICTURE_DAMAGED', () => {
  test('a flipped byte in a PNG', async () => {
    const bytes = await picture().png().toBuffer();
    bytes[bytes.length >> 1]! ^= 0xff;
    expect(await codeOf(bytes)).toBe('PICTURE_DAMAGED');
  });

  test('a JPEG whose scan was overwritten', async () => {
    const bytes = await picture().jpeg({ quality: 90 }).toBuffer();
    bytes.fill(0xff, bytes.length - 900, bytes.length - 2);
    expect(await codeOf(bytes)).toBe('PICTURE_DAMAGED');
  });
});

describe('PICTURE_TOO_LARGE', () => {
  test('a PNG of 60 bytes that claims 40,000 × 40,000 pixels is refused from its header', async () => {
    const bomb = pngBomb(40_000, 40_000);
    const started = performance.now();
    expect(await codeOf(bomb)).toBe('PICTURE_TOO_LARGE');
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('a real bomb: 9,000 × 9,000 black pixels in below 0.5 MB', async () => {
    const bomb = await plain(9000, 9000, '#000000').png({ compressionLevel: 9 }).toBuffer();
    expect(bomb.length).toBeLessThan(500_000);
    expect(await codeOf(bomb)).toBe('PICTURE_TOO_LARGE');
  });

  test('more bytes or pixels than given limits; exactly as many are fine', async () => {
    const bytes = await picture().jpeg().toBuffer();
    expect(await codeOf(bytes, { maxBytes: bytes.length - 1 })).toBe('PICTURE_TOO_LARGE');
    expect(await codeOf(bytes, { maxPixels: 160 * 120 - 1 })).toBe('PICTURE_TOO_LARGE');
    expect(await codeOf(bytes, { maxBytes: bytes.length, maxPixels: 160 * 120 })).toBe('accepted');
  });
});

function pngBomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(3)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const made = Buffer.alloc(body.length + 8);
  made.writeUInt32BE(data.length, 0);
  body.copy(made, 4);
  made.writeUInt32BE(crc32(body), body.length + 4);
  return made;
}
