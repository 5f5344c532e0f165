/** GET /experiments/{id}/artifacts/{path}: so that a model's files find each other, e.g. for tf.loadLayersModel(url). */
import type { FastifyInstance } from 'fastify';
import type { Services } from '../graphql/context.js';
import { uuidOf } from '../graphql/node.js';
import { ShingoError } from '../platform/error.js';

interface ArtifactRequest {
  Params: { id: string; '*': string };
}

export async function artifactRoutes(app: FastifyInstance, { db, blobs }: Services): Promise<void> {
  app.get<ArtifactRequest>('/experiments/:id/artifacts/*', async (request, reply) => {
    const { id, '*': path } = request.params;
    const rows: { sha256: string; bytes: number; media_type: string }[] = await db.query(
      '/* artifact.byPath */ SELECT sha256, bytes, media_type FROM artifact WHERE experiment_id = $1 AND path = $2',
      [uuidOf('Experiment', id), path],
    );
    const artifact = rows[0];
    if (!artifact) throw new ShingoError('NOT_FOUND', 'This experiment has no such artifact.', 404);
    return reply
      .headers({
        'content-type': artifact.media_type,
        'content-length': artifact.bytes,
        etag: `"${artifact.sha256}"`,
        'x-content-type-options': 'nosniff',
        'content-disposition': `attachment; filename="${path
          .split('/')
          .pop()
          ?.replaceAll(/[^\w.-]/g, '_')}"`,
      })
      .send(blobs.read(artifact.sha256));
  });
}
