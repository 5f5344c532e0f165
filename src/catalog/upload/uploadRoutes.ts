/**
 * HEAD, PUT, PATCH and DELETE of an upload's signed address, after draft-ietf-httpbis-resumable-upload: HEAD tells
 * `Upload-Offset`; PATCH, or PUT, sends from there on and says so in `Upload-Offset`. Content-Range does as well, for
 * clients that have it at hand. A PUT that names no offset is the whole file from the start, so that a plain
 * `curl -T FILE URL` works, first and again.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bodyOf, byteRoutes } from '../../graphql/body.js';
import type { Services } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import { checkAddress } from './address.js';
import type { Upload } from './upload.js';
import { abandonUpload, findUpload, receivedBytes } from './uploadService.js';

interface UploadRequest {
  Params: { id: string };
  Querystring: { expires?: string; signature?: string };
}

/** A client that sends nothing for so long is gone; what it sent is kept. */
const SILENCE_MS = 60_000;

export async function uploadRoutes(app: FastifyInstance, services: Services): Promise<void> {
  const { db, partials, signer } = services;

  async function uploadOf(request: FastifyRequest<UploadRequest>): Promise<Upload> {
    const upload = await findUpload(db, uuidOf('Upload', request.params.id));
    checkAddress(signer, upload, request.query);
    return upload;
  }

  await byteRoutes(app, (scope) => {
    const config = { signed: true };
    scope.head<UploadRequest>('/uploads/:id', { config }, async (request, reply) => {
      const upload = await uploadOf(request);
      // Whoever asks goes on from here: a writer that is still at it would make the answer wrong.
      const offset = await partials.alone(upload.uuid, () => receivedBytes(services, upload));
      return reply.code(204).headers(state(upload, offset)).send();
    });
    scope.route<UploadRequest>({
      url: '/uploads/:id',
      method: ['PUT', 'PATCH'],
      config,
      bodyLimit: services.config.maxFileBytes,
      handler: async (request, reply) => {
        const upload = await uploadOf(request);
        if (upload.completedAt !== null)
          throw new ShingoError('UPLOAD_COMPLETED', 'This upload is complete; create another.', 409);
        const offset = offsetOf(request, upload.bytes);
        request.raw.setTimeout(SILENCE_MS, () => request.raw.destroy());
        const body = bodyOf(request, 'end');
        try {
          const received = await partials.alone(upload.uuid, (signal) =>
            partials.append(upload.uuid, body, { offset, total: upload.bytes, signal }),
          );
          return await reply.code(204).headers(state(upload, received)).send();
        } catch (error) {
          body.destroy();
          if (error instanceof ShingoError && error.code === 'UPLOAD_OFFSET')
            void reply.headers(state(upload, await partials.size(upload.uuid)));
          throw error;
        }
      },
    });
    scope.delete<UploadRequest>('/uploads/:id', { config }, async (request, reply) => {
      await abandonUpload(services, (await uploadOf(request)).uuid);
      return reply.code(204).send();
    });
  });
}

const state = ({ bytes }: Upload, offset: number) => ({
  'upload-offset': offset,
  'upload-length': bytes,
  'upload-complete': offset === bytes ? '?1' : '?0',
  'upload-limit': `max-size=${bytes}`,
  'cache-control': 'no-store',
});

/** Where the piece begins; null: it is the file from the start. @throws ShingoError BAD_REQUEST */
function offsetOf({ headers, method }: FastifyRequest, bytes: number): number | null {
  const offset = headers['upload-offset'];
  const range = headers['content-range'];
  if (offset !== undefined) {
    if (typeof offset === 'string' && /^\d{1,15}$/.test(offset)) return Number(offset);
    throw new ShingoError('BAD_REQUEST', 'Upload-Offset is a whole number of bytes.');
  }
  if (range !== undefined) {
    const parts = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(range);
    if (parts && (parts[2] === '*' || Number(parts[2]) === bytes)) return Number(parts[1]);
    throw new ShingoError('BAD_REQUEST', `Content-Range is "bytes FIRST-LAST/${bytes}".`);
  }
  if (method === 'PUT') return null;
  throw new ShingoError('BAD_REQUEST', 'PATCH needs Upload-Offset.');
}
