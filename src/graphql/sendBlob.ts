/** A blob as a download: with Range, so that one that broke off goes on, and without anything a browser would run. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import parseRange from 'range-parser';
import type { BlobStore } from '../platform/blobs.js';
import { ShingoError } from '../platform/error.js';

export interface Download {
  sha256: string;
  mediaType: string;
  /** What it is called where it arrives. */
  fileName: string;
}

/** @throws ShingoError BLOB_MISSING, RANGE_INVALID, BLOB_STORE_UNAVAILABLE */
export async function sendBlob(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: BlobStore,
  { sha256, mediaType, fileName }: Download,
): Promise<FastifyReply> {
  const bytes = await blobs.size(sha256);
  const etag = `"${sha256}"`;
  const name = fileName.replaceAll(/[^\w.-]/g, '_');
  void reply.headers({ 'accept-ranges': 'bytes', etag, 'x-content-type-options': 'nosniff' });
  if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send();
  const range = rangeOf(request, etag, bytes);
  if (range === 'invalid') {
    void reply.header('content-range', `bytes */${bytes}`);
    throw new ShingoError(
      'RANGE_INVALID',
      `The file has ${bytes} bytes; nothing of the range is in it.`,
      416,
    );
  }
  void reply.code(range ? 206 : 200).headers({
    'content-type': mediaType,
    'content-disposition': `attachment; filename="${name}"`,
    'content-length': range ? range.end - range.start + 1 : bytes,
  });
  if (range) void reply.header('content-range', `bytes ${range.start}-${range.end}/${bytes}`);
  return reply.send(request.method === 'HEAD' ? null : await blobs.read(sha256, range));
}

/** Of several parts, which nobody asks for, all is sent: a client must take that. */
function rangeOf({ headers }: FastifyRequest, etag: string, bytes: number) {
  const condition = headers['if-range'];
  if (!headers.range || (condition !== undefined && condition !== etag)) return undefined;
  const ranges = parseRange(bytes, headers.range);
  if (ranges === -1) return 'invalid';
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  return ranges[0];
}
