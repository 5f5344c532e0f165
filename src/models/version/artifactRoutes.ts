/** GET /model-versions/{id}/artifact: the file of a model that was made elsewhere. */
import type { FastifyInstance } from 'fastify';
import type { Services } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { selectOne } from '../../graphql/select.js';
import { sendBlob } from '../../graphql/sendBlob.js';
import { ShingoError } from '../../platform/error.js';
import { ModelVersion } from './version.js';

export async function modelArtifactRoutes(app: FastifyInstance, { db, blobs }: Services): Promise<void> {
  app.get<{ Params: { id: string } }>('/model-versions/:id/artifact', async (request, reply) => {
    const version = await selectOne(db, ModelVersion, uuidOf('ModelVersion', request.params.id));
    const artifact = version?.artifact;
    if (!artifact) throw new ShingoError('NOT_FOUND', 'There is no file of this model version.', 404);
    const { sha256, mediaType, name: fileName } = artifact;
    return sendBlob(request, reply, blobs, { sha256, mediaType, fileName });
  });
}
