/** HTTP: Fastify with Apollo Server on /graphql, GraphiQL, and the health checks. */
import { gzipSync } from 'node:zlib';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { unwrapResolverError } from '@apollo/server/errors';
import { DATABASE_UNAVAILABLE, translateDatabaseError } from '../platform/database/errors.js';
import { ShingoError } from '../platform/error.js';
import { actorOf, checkKey, checkOrigin } from './auth.js';
import type { Connections } from './connections.js';
import { Loaders, type Context, type Services } from './context.js';
import { formatError } from './errors.js';
import { BODY_MS, HEADERS_MS, MAX_BODY_BYTES, PARSE_OPTIONS, checkComplexity, limitRules } from './limits.js';
import { addEventStreams } from './sse.js';

/** Paths that need no key: they tell nothing and load balancers have none. */
const OPEN = new Set(['/livez', '/readyz', '/', '/graphiql']);

export async function createHttpServer(
  services: Services,
  schema: GraphQLSchema,
  connections: Connections,
): Promise<FastifyInstance> {
  const { config, log } = services;
  const loggerInstance: FastifyBaseLogger = log.child(
    {},
    { level: log.level === 'debug' ? 'debug' : 'warn' },
  );
  const app: FastifyInstance = Fastify({
    loggerInstance,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: 'idle',
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: HEADERS_MS / 4 },
  });
  app.addHook('onRequest', async (request) => {
    checkOrigin(config, request.raw);
    // A route that is `signed` checks its own address: the signature stands for the key.
    const { signed } = request.routeOptions.config as { signed?: boolean };
    if (!signed && !OPEN.has(request.url.split('?')[0] ?? ''))
      checkKey(config, request.headers.authorization);
  });
  app.setErrorHandler((thrown: Error & { statusCode?: number; code?: string }, request, reply) => {
    if (request.raw.destroyed && !request.raw.complete) {
      request.log.debug({ err: thrown }, 'a client hung up within its request');
      return reply.code(400).send({ code: 'BAD_REQUEST', message: 'The request broke off.' });
    }
    const error = translateDatabaseError(thrown) as typeof thrown;
    if (error instanceof ShingoError)
      return reply.code(error.httpStatus).send({ code: error.code, message: error.message });
    const status = error.statusCode ?? 500;
    if (status < 500)
      return reply.code(status).send({ code: error.code ?? 'BAD_REQUEST', message: error.message });
    request.log.error({ err: error }, 'a request failed');
    return reply
      .code(500)
      .send({ code: 'INTERNAL', message: 'Something went wrong in the service; its log says what.' });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      code: 'NOT_FOUND',
      message: `There is nothing at ${request.url.slice(0, 200)}; the API is at /graphql.`,
    }),
  );
  boundConnections(app, config.drainSeconds);
  await addGraphql(app, services, schema);
  addEventStreams(app, services, schema, connections);
  addPages(app, services);
  return app;
}

/** How long a client may go on sending what was refused already; time enough to read why. */
const LINGER_MS = 2000;

/** A client that never ends its request keeps neither a connection nor the process for ever. */
function boundConnections(app: FastifyInstance, drainSeconds: number): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    // Taken now: Node parts the request from its socket when the answer is out.
    const { socket } = raw;
    // An operation is small; files, which may take long, have limits of their own.
    if (raw.url?.startsWith('/graphql')) {
      const patience = setTimeout(() => raw.complete || socket.destroy(), BODY_MS).unref();
      raw.once('close', () => clearTimeout(patience));
    }
    reply.raw.once('finish', () => {
      if (!raw.complete) setTimeout(() => raw.complete || socket.destroy(), LINGER_MS).unref();
    });
  });
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), drainSeconds * 1000).unref();
  });
}

async function addGraphql(app: FastifyInstance, services: Services, schema: GraphQLSchema): Promise<void> {
  const { config, log } = services;
  const apollo = new ApolloServer<Context>({
    schema,
    introspection: true,
    validationRules: limitRules,
    parseOptions: PARSE_OPTIONS,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    logger: log,
    formatError: (formatted, error) => {
      const graphqlError = error as GraphQLError;
      if (!('extensions' in graphqlError)) return formatted;
      Object.defineProperty(graphqlError, 'originalError', { value: unwrapOriginal(graphqlError) });
      const answer = formatError(graphqlError, log);
      // Apollo knows its own codes best (a syntax error is GRAPHQL_PARSE_FAILED).
      const code =
        answer.extensions?.code === 'GRAPHQL_VALIDATION_FAILED' ? formatted.extensions?.code : undefined;
      return code ? { ...answer, extensions: { ...answer.extensions, code } } : answer;
    },
    plugins: [complexityPlugin(schema), unavailablePlugin],
  });
  await apollo.start();
  app.route({
    url: '/graphql',
    method: ['GET', 'POST'],
    handler: fastifyApolloHandler(apollo, {
      context: async (request) => {
        const gone = new AbortController();
        request.raw.on('close', () => gone.abort());
        const actor = actorOf(config, request.headers.authorization);
        return { ...services, actor, load: new Loaders(services.db, true), gone: gone.signal };
      },
    }),
  });
  app.addHook('onClose', () => apollo.stop());
}

const unwrapOriginal = (error: GraphQLError): Error | undefined => {
  const original = unwrapResolverError(error);
  return original instanceof Error && original !== error ? original : error.originalError;
};

function complexityPlugin(schema: GraphQLSchema): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ request, document, operation, contextValue }) {
          if (operation?.operation === 'subscription') {
            throw new GraphQLError(
              'Subscribe over WebSocket (graphql-transport-ws) at the same address, or over server-sent events at /graphql/stream.',
              {
                extensions: { code: 'BAD_REQUEST' },
              },
            );
          }
          checkComplexity(schema, document, request.variables, request.operationName);
          // The mutations of one request run one after another: what the first read is old for the second.
          if (operation?.operation === 'mutation') contextValue.load = new Loaders(contextValue.db, false);
        },
      };
    },
  };
}

/** Clients and what stands between know by the status that the same may be asked again. */
const unavailablePlugin: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body, http } }) {
        if (body.kind !== 'single') return;
        const { errors = [] } = body.singleResult;
        if (errors.some(({ extensions }) => extensions?.code === DATABASE_UNAVAILABLE)) http.status = 503;
      },
    };
  },
};

function addPages(app: FastifyInstance, { db }: Services): void {
  let page: Buffer | undefined;
  const graphiql = () =>
    // 9 MB of text: packed once, on the first visit.
    (page ??= gzipSync(
      renderGraphiQL({
        title: 'Shingo',
        endpoint: '/graphql',
        subscriptionsProtocol: 'WS' as never,
        defaultQuery: DEFAULT_QUERY,
      }),
    ));
  for (const url of ['/', '/graphiql']) {
    app.get(url, (_, reply) =>
      reply
        .headers({
          'content-type': 'text/html; charset=utf-8',
          'content-encoding': 'gzip',
          'cache-control': 'no-cache',
          'content-security-policy':
            "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'",
        })
        .send(graphiql()),
    );
  }
  app.get('/livez', (_, reply) => reply.send({ status: 'ok' }));
  app.get('/readyz', async (_, reply) => {
    try {
      await db.query('/* health.ready */ SELECT 1 FROM project LIMIT 1');
      return await reply.send({ status: 'ok' });
    } catch {
      return reply
        .code(503)
        .send({ code: 'NOT_READY', message: 'The database does not answer, or is not migrated.' });
    }
  });
}

const DEFAULT_QUERY = `# Shingo: what do we have, and under which conditions?
{
  coverage(projectId: "demo", by: [WEATHER, TIME_OF_DAY]) {
    total
    cells { keys images lights places drives }
  }
}
`;
