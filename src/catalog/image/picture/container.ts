/**
 * What the bytes say before any decoder sees them: the format, and whether the file reaches its own end.
 *
 * The formats are told from their first bytes, so that SVG, PDF and the dozen others that libvips can open
 * (scripts, external references, large attack surface) never reach it. Completeness is read from the container for
 * two reasons: libvips 8.18 accepts a PNG that lost its end (the last 12 bytes, IEND), and its messages do not tell
 * "cut off" from "damaged", which need different answers. The walk costs below 1 ms per MB.
 */

export const PICTURE_FORMATS = ['JPEG', 'PNG', 'WEBP', 'AVIF'] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

export const MEDIA_TYPES: Record<PictureFormat, string> = {
  JPEG: 'image/jpeg',
  PNG: 'image/png',
  WEBP: 'image/webp',
  AVIF: 'image/avif',
};

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const AVIF_BRANDS = new Set(['avif', 'avis']);

const ascii = (bytes: Buffer, from: number, to: number) => bytes.toString('latin1', from, to);

/** The format named by the first bytes; null for anything else. A prefix shorter than a signature is nothing. */
export function sniffFormat(bytes: Buffer): PictureFormat | null {
  if (bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'JPEG';
  if (bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return 'PNG';
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') return 'WEBP';
  if (ascii(bytes, 4, 8) === 'ftyp' && ftypBrands(bytes).some((brand) => AVIF_BRANDS.has(brand)))
    return 'AVIF';
  return null;
}

/** Major and compatible brands. HEIC pictures carry the same box with other brands; they need a licensed decoder. */
function ftypBrands(bytes: Buffer): string[] {
  const end = Math.min(bytes.length, bytes.readUInt32BE(0), 256);
  const brands = [ascii(bytes, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(bytes, at, at + 4));
  return brands;
}

/** Does the file reach the end that its container announces? Bytes after that end are allowed (motion photos). */
export function reachesItsEnd(format: PictureFormat, bytes: Buffer): boolean {
  switch (format) {
    case 'JPEG':
      return jpegReachesItsEnd(bytes);
    case 'PNG':
      return pngReachesItsEnd(bytes);
    case 'WEBP':
      return bytes.length >= bytes.readUInt32LE(4) + 8;
    case 'AVIF':
      return boxesReachTheirEnd(bytes);
  }
}

/** Walks segments by their length and scans by their escapes until EOI: a thumbnail's own EOI lies inside a segment. */
function jpegReachesItsEnd(bytes: Buffer): boolean {
  let at = 2;
  while (at + 1 < bytes.length) {
    at = bytes.indexOf(0xff, at);
    if (at < 0) return false;
    const marker = bytes[at + 1];
    if (marker === 0xd9) return true;
    // FF00 is an escaped FF, FF01 and FFD0–D7 stand alone, FFFF is fill: none of them has a length.
    const alone = marker === 0x00 || marker === 0x01 || (marker! >= 0xd0 && marker! <= 0xd7);
    if (marker === 0xff) at += 1;
    else if (alone) at += 2;
    else if (at + 4 > bytes.length) return false;
    else at += 2 + bytes.readUInt16BE(at + 2);
  }
  return false;
}

function pngReachesItsEnd(bytes: Buffer): boolean {
  let at = PNG_SIGNATURE.length;
  // 12 = length, type and checksum of a chunk.
  while (at + 12 <= bytes.length) {
    const end = at + 12 + bytes.readUInt32BE(at);
    if (ascii(bytes, at + 4, at + 8) === 'IEND') return end <= bytes.length;
    at = end;
  }
  return false;
}

/** ISO media boxes; size 1 means a 64-bit size follows, size 0 means "to the end of the file". */
function boxesReachTheirEnd(bytes: Buffer): boolean {
  let at = 0;
  const seen = new Set<string>();
  while (at + 8 <= bytes.length) {
    let size = bytes.readUInt32BE(at);
    if (size === 1 && at + 16 <= bytes.length) size = Number(bytes.readBigUInt64BE(at + 8));
    seen.add(ascii(bytes, at + 4, at + 8));
    if (size === 0) at = bytes.length;
    else if (size < 8) return false;
    else at += size;
  }
  return at === bytes.length && seen.has('meta') && seen.has('mdat');
}
