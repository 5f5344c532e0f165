/** WebSocket: graphql-transport-ws on /graphql, with the same limits, keys and errors as HTTP. */
import type { Server } from 'node:http';
import { GraphQLError, execute, subscribe, type GraphQLSchema } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { ShingoError } from '../platform/error.js';
import { ANONYMOUS, actorOf, checkKey, checkOrigin } from './auth.js';
import { Loaders, type Context, type Services } from './context.js';
import { formatError } from './errors.js';
import {
  MAX_OPERATIONS_PER_SOCKET,
  MAX_SOCKETS,
  MAX_SOCKET_MESSAGE_BYTES,
  checkOperation,
} from './limits.js';

interface Extra extends Record<PropertyKey, unknown> {
  /** Ends the live reads of an operation, by its id. */
  running?: Map<string, AbortController>;
  actor?: string;
}

/** Returns how to close every socket, with a reason. */
export function attachSocketServer(
  server: Server,
  services: Services,
  schema: GraphQLSchema,
): () => Promise<void> {
  const { config, log, db } = services;
  const sockets = new WebSocketServer({
    server,
    path: '/graphql',
    maxPayload: MAX_SOCKET_MESSAGE_BYTES,
    verifyClient: ({ req }, answer: (ok: boolean, status?: number, reason?: string) => void) => {
      try {
        checkOrigin(config, req);
        if (sockets.clients.size >= MAX_SOCKETS) answer(false, 503, 'Too many sockets');
        else answer(true);
      } catch {
        answer(false, 403, 'Forbidden');
      }
    },
  });
  const disposable = useServer<Record<string, unknown>, Extra>(
    {
      schema,
      execute,
      subscribe,
      connectionInitWaitTimeout: 5000,
      onConnect: (ctx) => {
        const given = ctx.connectionParams?.authorization ?? ctx.connectionParams?.Authorization;
        const authorization = given ?? ctx.extra.request.headers.authorization;
        try {
          checkKey(config, authorization);
          ctx.extra.actor = actorOf(config, authorization);
        } catch (error) {
          ctx.extra.socket.close(
            CloseCode.Forbidden,
            error instanceof ShingoError ? error.code : 'UNAUTHENTICATED',
          );
          return false;
        }
        return true;
      },
      onSubscribe: (ctx, id, { query, variables, operationName }) => {
        const running = (ctx.extra.running ??= new Map<string, AbortController>());
        if (running.size >= MAX_OPERATIONS_PER_SOCKET) {
          const message = `A socket may have ${MAX_OPERATIONS_PER_SOCKET} operations at a time.`;
          return [new GraphQLError(message, { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } })];
        }
        const document = checkOperation(schema, query, variables, operationName);
        if (!('kind' in document)) return document.map((error) => codedError(error, services));
        const gone = new AbortController();
        running.set(id, gone);
        const { actor = ANONYMOUS } = ctx.extra;
        const contextValue: Context = { ...services, actor, load: new Loaders(db, false), gone: gone.signal };
        return { schema, document, variableValues: variables, operationName, contextValue };
      },
      onError: (_ctx, _id, _message, errors) => errors.map((error) => formatError(error, log)),
      onNext: (_ctx, _id, _message, _args, result) =>
        result.errors
          ? { ...result, errors: result.errors.map((error) => formatError(error, log)) }
          : undefined,
      onComplete: (ctx, id) => {
        ctx.extra.running?.get(id)?.abort();
        ctx.extra.running?.delete(id);
      },
      onClose: (ctx) => {
        for (const gone of ctx.extra.running?.values() ?? []) gone.abort();
      },
    },
    sockets,
  );
  return async () => {
    // 1001: clients of graphql-ws take it as a reason to connect again.
    for (const socket of sockets.clients) socket.close(1001, 'The service is stopping; connect again.');
    await disposable.dispose();
  };
}

/** Operations that did not pass the checks never ran: their errors carry their code already, or are validation's. */
function codedError(error: GraphQLError, { log }: Services): GraphQLError {
  const { message, extensions } = formatError(error, log);
  return new GraphQLError(message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: extensions ?? {},
  });
}
