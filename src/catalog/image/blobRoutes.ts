/** PUT and GET /blobs/{sha256}: the bytes of pictures, outside GraphQL where bytes do not belong. */
import type { FastifyInstance } from 'fastify';
import { bodyOf, byteRoutes } from '../../graphql/body.js';
import type { Services } from '../../graphql/context.js';
import { checkDigest } from '../../platform/blobs.js';
import { ShingoError } from '../../platform/error.js';
import { pictureMediaType, storePicture } from './pictureService.js';

interface BlobRequest {
  Params: { sha256: string };
}

export async function blobRoutes(app: FastifyInstance, { db, blobs, config }: Services): Promise<void> {
  await byteRoutes(app, (scope) => {
    scope.put<BlobRequest>('/blobs/:sha256', { bodyLimit: config.maxUploadBytes }, async (request, reply) => {
      const source = bodyOf(request);
      const isNew = await storePicture(db, blobs, request.params.sha256, source, config.maxUploadBytes);
      return reply.code(isNew ? 201 : 200).send({ sha256: request.params.sha256, created: isNew });
    });
    scope.get<BlobRequest>('/blobs/:sha256', async (request, reply) => {
      const { sha256 } = request.params;
      checkDigest(sha256);
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
        .send(await blobs.read(sha256));
    });
  });
}
