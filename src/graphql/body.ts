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
 * @param onBreak when the request breaks off: `fail` is an error for the reader, `end` gives it what has arrived
 */
export function bodyOf(request: FastifyRequest, onBreak: 'fail' | 'end' = 'fail'): Readable {
  // A request without a body at all is an empty one.
  const body = (request.body as Readable | undefined) ?? request.raw;
  const own = new PassThrough();
  const broken = (error: Error) => (onBreak === 'end' ? own.end() : own.destroy(error));
  body.once('error', broken);
  body.once('close', () => body.readableEnded || broken(new Error('The request broke off.')));
  // Whoever reads hears of it when it reads; an error that comes before would end the process.
  own.on('error', () => undefined);
  return body.pipe(own);
}
