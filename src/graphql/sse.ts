/**
 * Server-sent events: graphql-sse's "distinct connections mode" on /graphql/stream, one operation a request, with the
 * same limits, keys and errors as the WebSocket. Each event's id is its cursor, and Last-Event-ID goes on after it.
 */
import type { ServerResponse } from 'node:http';
import { GraphQLError, execute, type ExecutionArgs, type ExecutionResult, type GraphQLSchema } from 'graphql';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createHandler, type RequestParams } from 'graphql-sse';
import { messageOf } from '../platform/error.js';
import { actorOf, callerOf } from './auth.js';
import { cursorOf, resultOf } from './answers.js';
import type { Connections } from './connections.js';
import { Loaders, type Context, type Services } from './context.js';
import { formatError } from './errors.js';
import { MAX_SOCKET_MESSAGE_BYTES, SILENCE_MS, checkOperation } from './limits.js';
import { isSource, openSource } from './stream.js';
import { codedError } from './socket.js';

const MAX_RESUME = 4_000;

/** One request, from its arrival to its end. */
interface Exchange {
  request: FastifyRequest;
  gone: AbortController;
  /** Of the event that is written next. */
  cursor: string | null;
  /** Kept when the client has taken the last event. */
  room: Promise<void>;
  taken: () => void;
}
type Held = Context & Record<PropertyKey, unknown>;
type Handler = ReturnType<typeof createHandler<FastifyRequest, Exchange, Held>>;
const cursors = new WeakMap<object, string | null>();

export function addEventStreams(
  app: FastifyInstance,
  services: Services,
  schema: GraphQLSchema,
  connections: Connections,
): void {
  const { config, log } = services;
  const open = new Set<AbortController>();
  const handler: Handler = createHandler<FastifyRequest, Exchange, Held>({
    // No "single connection mode": its reservations would be another thing to bound, and HTTP/2 makes it needless.
    authenticate: () => null,
    execute: (args) => execute(args) as Promise<ExecutionResult>,
    subscribe: (args) => events(args),
    onSubscribe: (req, params) => operationOf(schema, services, req.context, params),
    onNext: async (_context, { context: exchange }, result) => {
      // The library queues what it is given: it is given nothing before the last was taken.
      await exchange.room;
      exchange.room = new Promise((resolve) => (exchange.taken = resolve));
      exchange.cursor = cursors.get(result) ?? null;
      if (!result.errors?.some((error) => error instanceof GraphQLError)) return undefined;
      return { ...result, errors: result.errors.map((error) => formatError(error, log)) as never };
    },
  });
  app.addHook('preClose', async () => open.forEach((gone) => gone.abort()));
  app.route({
    url: '/graphql/stream',
    method: ['GET', 'POST'],
    bodyLimit: MAX_SOCKET_MESSAGE_BYTES,
    handler: async (request, reply) => {
      const release = connections.open(callerOf(config, request.headers.authorization, request.raw));
      const gone = new AbortController();
      open.add(gone);
      reply.raw.once('close', () => {
        release();
        open.delete(gone);
        gone.abort();
      });
      reply.hijack();
      const exchange = { request, gone, cursor: null, room: Promise.resolve(), taken: () => undefined };
      try {
        await answer(handler, exchange, reply.raw);
      } catch (error) {
        if (!gone.signal.aborted) log.error({ err: error }, 'an event stream failed');
        reply.raw.destroy();
      }
    },
  });
}

async function answer(handler: Handler, exchange: Exchange, response: ServerResponse): Promise<void> {
  const { request } = exchange;
  const [body, init] = await handler({
    method: request.method,
    url: request.url,
    // Whoever asks at this address wants events, whatever their client writes by itself.
    headers: { get: (name) => (name === 'accept' ? 'text/event-stream' : header(request, name)) },
    body: (request.body ?? null) as Record<string, unknown> | null,
    raw: request,
    context: exchange,
  });
  response.writeHead(
    init.status,
    body === null || typeof body === 'string'
      ? coded(init.headers)
      : { ...init.headers, 'x-accel-buffering': 'no' },
  );
  if (body === null || typeof body === 'string') {
    response.end(refusal(body, init.status));
    return;
  }
  exchange.gone.signal.addEventListener('abort', () => void body.return(undefined), { once: true });
  for await (const chunk of body) {
    // A stream that is cut off is not complete: without that word its client comes back.
    if (exchange.gone.signal.aborted) break;
    const isNext = chunk.startsWith('event: next');
    const id = isNext && exchange.cursor !== null ? `id: ${exchange.cursor}\n` : '';
    if (!response.write(id + chunk)) await drained(response);
    if (isNext) exchange.taken();
  }
  response.end();
}

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join('\n') : value;
};
const coded = (headers: Record<string, string> | undefined) => ({
  ...headers,
  'content-type': 'application/json; charset=utf-8',
});

/** The library's own refusals, of requests that are no operation, have no code. */
function refusal(body: string | null, status: number): string {
  const { errors } = JSON.parse(body ?? '{}') as { errors?: { message: string }[] };
  const message = errors?.[0]?.message ?? 'Send {query, variables} as JSON by POST, or in the address by GET';
  return JSON.stringify({ code: 'BAD_REQUEST', message: `${message} (HTTP ${status}).` });
}

/** There is room again; a client that takes nothing for too long is cut off. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(patience);
      response.off('drain', done).off('close', done);
      resolve();
    };
    const patience = setTimeout(() => response.destroy(), SILENCE_MS);
    response.once('drain', done).once('close', done);
  });
}

/** What the request asks for, checked; or why it may not be, as the only event of the stream. */
function operationOf(
  schema: GraphQLSchema,
  services: Services,
  { request, gone }: Exchange,
  { query, variables, operationName }: RequestParams,
): (ExecutionArgs & { contextValue: Held }) | ExecutionResult {
  const document = checkOperation(schema, query, variables, operationName);
  if (!('kind' in document))
    return { data: null, errors: document.map((error) => codedError(error, services)) };
  const actor = actorOf(services.config, request.headers.authorization);
  const resume = header(request, 'last-event-id')?.slice(0, MAX_RESUME) || undefined;
  const load = new Loaders(services.db, false);
  const contextValue: Held = { ...services, actor, load, gone: gone.signal, resume };
  return {
    schema,
    document,
    variableValues: variables ?? null,
    operationName: operationName ?? null,
    contextValue,
  };
}

async function events(
  args: ExecutionArgs & { contextValue: Held },
): Promise<AsyncGenerator<ExecutionResult, void> | ExecutionResult> {
  const source = await openSource(args);
  return isSource(source) ? results(source, args) : source;
}

async function* results(
  source: AsyncIterableIterator<unknown, void>,
  args: ExecutionArgs & { contextValue: Held },
): AsyncGenerator<ExecutionResult, void> {
  const { log } = args.contextValue;
  try {
    for await (const event of source) {
      const result = await resultOf(args, event, log);
      cursors.set(result, cursorOf(event));
      yield result;
    }
  } catch (error) {
    const told = new GraphQLError(messageOf(error), error instanceof Error ? { originalError: error } : {});
    yield { data: null, errors: [told] };
  }
}
