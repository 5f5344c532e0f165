/** A blob as a download: with Range, so that one that broke off goes on, and without anything a browser would run. */
import send from '@fastify/send';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { basename, dirname } from 'node:path';
import type { BlobStore } from '../platform/blobs.js';

export interface Download {
  sha256: string;
  mediaType: string;
  /** What it is called where it arrives. */
  fileName: string;
}

export async function sendBlob(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: BlobStore,
  { sha256, mediaType, fileName }: Download,
): Promise<FastifyReply> {
  const path = blobs.path(sha256);
  const { statusCode, headers, stream } = await send(request.raw, basename(path), {
    root: dirname(path),
    cacheControl: false,
    contentType: false,
    index: false,
  });
  return reply
    .code(statusCode)
    .headers({
      ...headers,
      'content-type': mediaType,
      'x-content-type-options': 'nosniff',
      'content-disposition': `attachment; filename="${fileName.replaceAll(/[^\w.-]/g, '_')}"`,
    })
    .send(stream);
}
