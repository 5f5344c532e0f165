/** GET /images/{id}/thumb?w=256: a small version of an image's picture, WebP where the client takes it, else JPEG. */
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Services } from '../../../graphql/context.js';
import { uuidOf } from '../../../graphql/node.js';
import { ShingoError } from '../../../platform/error.js';
import { PictureError } from '../picture/index.js';
import { digestOfImage } from '../pictureService.js';
import { Thumbnails, thumbnailWidth, type Thumbnail } from './thumbnails.js';

interface ThumbnailRequest {
  Params: { id: string };
  Querystring: { w?: string };
}

const LOST = new Set(['BLOB_MISSING', 'BLOB_DAMAGED']);
const DEFAULT_WIDTH = '256';

export async function thumbnailRoutes(app: FastifyInstance, services: Services): Promise<void> {
  const { db, blobs, config, log } = services;
  const thumbnails = new Thumbnails(join(config.dataDir, 'thumbnails'), config.thumbnailBytes, blobs, log);
  app.get<ThumbnailRequest>('/images/:id/thumb', async (request, reply) => {
    const width = thumbnailWidth(widthOf(request.query.w ?? DEFAULT_WIDTH));
    const format = takesWebp(request.headers.accept) ? 'webp' : 'jpeg';
    const sha256 = await digestOfImage(db, uuidOf('Image', request.params.id));
    const etag = `"${sha256}-${width}-${format}"`;
    void reply.headers({
      // The same picture and width are the same thumbnail for ever; of an image, not for everybody.
      'cache-control': 'private, max-age=31536000, immutable',
      vary: 'Accept',
      etag,
      'x-content-type-options': 'nosniff',
    });
    if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send();
    const bytes = await read(thumbnails, { sha256, width, format }).catch((error: unknown) => {
      // An error may be mended tomorrow.
      for (const header of ['cache-control', 'etag']) reply.removeHeader(header);
      throw error;
    });
    return reply.type(`image/${format}`).send(bytes);
  });
}

/** @throws ShingoError BAD_USER_INPUT */
function widthOf(text: string): number {
  const width = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (width > 0) return width;
  throw new ShingoError('BAD_USER_INPUT', 'w is a number of pixels, such as 256.', 400, ['w']);
}

/** Named, and not with q=0. What takes anything (star slash star) gets JPEG, which every program reads. */
function takesWebp(accept: string | undefined): boolean {
  const range = accept?.split(',').find((one) => one.trim().toLowerCase().startsWith('image/webp'));
  return range !== undefined && !/;\s*q=0(\.0*)?\s*$/i.test(range);
}

async function read(thumbnails: Thumbnails, thumbnail: Thumbnail): Promise<Buffer> {
  try {
    return await thumbnails.get(thumbnail);
  } catch (error) {
    if (error instanceof PictureError || LOST.has((error as { code?: string }).code ?? ''))
      throw new ShingoError('PICTURE_UNREADABLE', 'The stored picture cannot be decoded any more.', 500);
    throw error;
  }
}
