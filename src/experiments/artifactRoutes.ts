/** GET /experiments/{id}/artifacts/{path}: so that a model's files find each other, e.g. for tf.loadLayersModel(url). */
import type { FastifyInstance } from 'fastify';
import type { Services } from '../graphql/context.js';
import { uuidOf } from '../graphql/node.js';
import { sendBlob } from '../graphql/sendBlob.js';
import { ShingoError } from '../platform/error.js';

interface ArtifactRequest {
  Params: { id: string; '*': string };
}

export async function artifactRoutes(app: FastifyInstance, { db, blobs }: Services): Promise<void> {
  app.get<ArtifactRequest>('/experiments/:id/artifacts/*', async (request, reply) => {
    const { id, '*': path } = request.params;
    const rows: { sha256: string; media_type: string }[] = await db.query(
      '/* artifact.byPath */ SELECT sha256, media_type FROM artifact WHERE experiment_id = $1 AND path = $2',
      [uuidOf('Experiment', id), path],
    );
    const artifact = rows[0];
    if (!artifact) throw new ShingoError('NOT_FOUND', 'This experiment has no such artifact.', 404);
    const { sha256, media_type: mediaType } = artifact;
    return sendBlob(request, reply, blobs, { sha256, mediaType, fileName: path.split('/').pop() ?? path });
  });
}
