/** Routes that take bytes: the body stays a stream, whatever it calls itself. */
import { PassThrough, type Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export async function byteRoutes(
  app: FastifyInstance,
  routes: (scope: FastifyInstance) => void,
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    routes(scope);
  });
}

/**
 * The body as a stream of its own: destroying the request's would cut the connection, and a client whose bytes are
 * refused on the way could not read why.
 */
export function bodyOf(request: FastifyRequest): Readable {
  // A request without a body at all is an empty one.
  const body = (request.body as Readable | undefined) ?? request.raw;
  const own = new PassThrough();
  body.once('error', (error) => own.destroy(error));
  body.once('close', () => body.readableEnded || own.destroy(new Error('The request broke off.')));
  return body.pipe(own);
}
