/** PUT and GET /blobs/{sha256}: the bytes of pictures, outside GraphQL where bytes do not belong. */
import { PassThrough, type Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Services } from '../../graphql/context.js';
import { ShingoError } from '../../platform/error.js';
import { pictureMediaType, storePicture } from './pictureService.js';

interface BlobRequest {
  Params: { sha256: string };
}

/**
 * The body as a stream of its own: destroying the request's would cut the connection, and a client whose bytes are
 * refused on the way could not read why.
 */
function apart(body: Readable): Readable {
  const own = new PassThrough();
  body.once('error', (error) => own.destroy(error));
  body.once('close', () => body.readableEnded || own.destroy(new Error('The request broke off.')));
  return body.pipe(own);
}

export async function blobRoutes(app: FastifyInstance, { db, blobs, config }: Services): Promise<void> {
  await app.register(async (scope) => {
    // The body stays a stream, whatever it calls itself: its size is metered and its digest taken on the way to disk.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.put<BlobRequest>('/blobs/:sha256', { bodyLimit: config.maxUploadBytes }, async (request, reply) => {
      // A request without a body at all is an empty file, and is refused as one.
      const source = apart((request.body as Readable | undefined) ?? request.raw);
      const isNew = await storePicture(db, blobs, request.params.sha256, source, config.maxUploadBytes);
      return reply.code(isNew ? 201 : 200).send({ sha256: request.params.sha256, created: isNew });
    });
    scope.get<BlobRequest>('/blobs/:sha256', async (request, reply) => {
      const { sha256 } = request.params;
      blobs.path(sha256);
      const mediaType = await pictureMediaType(db, sha256);
      if (mediaType === null)
        throw new ShingoError('NOT_FOUND', 'There is no picture with this SHA-256.', 404);
      return reply
        .headers({
          'content-type': mediaType,
          'content-length': await blobs.size(sha256),
          'cache-control': 'private, max-age=31536000, immutable',
          etag: `"${sha256}"`,
          'x-content-type-options': 'nosniff',
        })
        .send(blobs.read(sha256));
    });
  });
}
