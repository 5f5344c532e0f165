/** WebSocket: graphql-transport-ws on /graphql, with the same limits, keys and errors as HTTP. */
import type { IncomingMessage, Server } from 'node:http';
import { GraphQLError, execute, type ExecutionArgs, type GraphQLSchema } from 'graphql';
import { CloseCode, type SubscribePayload } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { ShingoError } from '../platform/error.js';
import { ANONYMOUS, actorOf, callerOf, checkKey, checkOrigin } from './auth.js';
import type { Connections } from './connections.js';
import { Loaders, type Context, type Services } from './context.js';
import { formatError } from './errors.js';
import {
  GREETING_MS,
  MAX_OPERATIONS_PER_SOCKET,
  MAX_SOCKET_MESSAGE_BYTES,
  MAX_UNREAD_BYTES,
  SILENCE_MS,
  checkOperation,
} from './limits.js';
import { delivering, isSource, openSource, type Deliver } from './stream.js';

interface Extra extends Record<PropertyKey, unknown> {
  /** Ends the live reads of an operation, by its id. */
  running?: Map<string, AbortController>;
  actor?: string;
}
/** An operation, and where the events of a subscription go. */
type Operation = ExecutionArgs & { deliver: Deliver };

/** Closes with a code of ours where ws has none. */
export class Socket extends WebSocket {
  /** When the client last took or sent anything. */
  heardAt = performance.now();

  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, code === 1009 ? 'MESSAGE_TOO_LARGE' : reason);
  }

  /** A client's wrong frame has closed its socket already; the protocol's library would write it to our output too. */
  override emit(event: string | symbol, ...rest: unknown[]): boolean {
    const { code } = (event === 'error' ? rest[0] : {}) as { code?: string };
    return code?.startsWith('WS_ERR_') ? true : super.emit(event, ...rest);
  }

  /** @returns nothing while there is room; else a promise that is kept when this message has gone */
  deliver(message: string): Promise<void> | void {
    if (this.readyState !== WebSocket.OPEN) return;
    if (this.bufferedAmount < MAX_UNREAD_BYTES) {
      this.send(message, this.taken);
      return;
    }
    return new Promise((resolve) => {
      this.send(message, () => {
        this.taken();
        resolve();
      });
    });
  }

  private readonly taken = () => {
    this.heardAt = performance.now();
  };
}

/** How long SILENCE_MS is at most, and at least, past. */
const WATCH_MS = 10_000;

/** A client that is gone, or takes nothing, keeps neither its socket nor what waits for it. Returns how to stop. */
export function watch(sockets: WebSocketServer, silenceMs = SILENCE_MS, everyMs = WATCH_MS): () => void {
  sockets.on('connection', (socket: Socket) => {
    const heard = () => (socket.heardAt = performance.now());
    socket.on('message', heard).on('pong', heard);
  });
  const timer = setInterval(() => {
    for (const socket of sockets.clients as Set<Socket>) {
      const silent = performance.now() - socket.heardAt;
      if (silent < silenceMs) {
        if (socket.bufferedAmount === 0 && socket.readyState === WebSocket.OPEN) socket.ping();
      } else if (socket.readyState === WebSocket.OPEN) socket.close(4408, 'CLIENT_TOO_SLOW');
      else socket.terminate();
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Returns how to close every socket, with a reason. */
export function attachSocketServer(
  server: Server,
  services: Services,
  schema: GraphQLSchema,
  connections: Connections,
): () => Promise<void> {
  const { config, log } = services;
  const sockets = socketServer(server, services, connections);
  const stopWatching = watch(sockets);
  const disposable = useServer<Record<string, unknown>, Extra>(
    {
      schema,
      execute,
      subscribe: async (args) => {
        const source = await openSource(args);
        return (isSource(source) ? delivering(source, args, (args as Operation).deliver) : source) as never;
      },
      connectionInitWaitTimeout: GREETING_MS,
      onConnect: (ctx) => {
        const given = ctx.connectionParams?.authorization ?? ctx.connectionParams?.Authorization;
        const authorization = given ?? ctx.extra.request.headers.authorization;
        try {
          checkKey(config, authorization);
          ctx.extra.actor = actorOf(config, authorization);
          // Until now only its address was known.
          admit(connections, ctx.extra.socket, callerOf(config, authorization, ctx.extra.request));
        } catch (error) {
          const code = error instanceof ShingoError ? error.code : 'UNAUTHENTICATED';
          ctx.extra.socket.close(code === 'TOO_MANY_SOCKETS' ? 4429 : CloseCode.Forbidden, code);
          return false;
        }
        return true;
      },
      onSubscribe: (ctx, id, payload) =>
        operationOf(schema, services, { id, payload, extra: ctx.extra, socket: ctx.extra.socket as Socket }),
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
    // Its own pings end a client that reads slowly as one that is gone: behind what is unread no ping arrives.
    0,
  );
  return async () => {
    stopWatching();
    // 1001: clients of graphql-ws take it as a reason to connect again.
    for (const socket of sockets.clients) socket.close(1001, 'The service is stopping; connect again.');
    // Whoever reads nothing reads no goodbye either.
    const patience = setTimeout(() => sockets.clients.forEach((socket) => socket.terminate()), 2_000);
    await disposable.dispose();
    clearTimeout(patience);
  };
}

function socketServer(server: Server, { config }: Services, connections: Connections): WebSocketServer {
  const sockets = new WebSocketServer({
    server,
    path: '/graphql',
    maxPayload: MAX_SOCKET_MESSAGE_BYTES,
    WebSocket: Socket as never,
    verifyClient: ({ req }, answer: Answer) => {
      try {
        checkOrigin(config, req);
        waiting.set(req, connections.open(callerOf(config, req.headers.authorization, req)));
        answer(true);
      } catch (error) {
        refuse(answer, error);
      }
    },
  });
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    const release = waiting.get(request);
    if (release) hold(socket, release);
  });
  return sockets;
}

type Answer = (ok: boolean, status?: number, body?: string, headers?: Record<string, string>) => void;
/** Places that are taken by requests on their way to a socket, and by sockets. */
const waiting = new WeakMap<IncomingMessage, () => void>();
const held = new WeakMap<WebSocket, () => void>();

function hold(socket: WebSocket, release: () => void): void {
  if (!held.has(socket)) socket.once('close', () => held.get(socket)?.());
  held.set(socket, release);
}

/** Gives the place of an address for one of a key. @throws ShingoError TOO_MANY_SOCKETS */
function admit(connections: Connections, socket: WebSocket, caller: string): void {
  held.get(socket)?.();
  held.set(socket, () => undefined);
  hold(socket, connections.open(caller));
}

function refuse(answer: Answer, error: unknown): void {
  const { code, message, httpStatus } =
    error instanceof ShingoError ? error : new ShingoError('FORBIDDEN', 'This is not for you.', 403);
  answer(false, httpStatus, JSON.stringify({ code, message }), { 'content-type': 'application/json' });
}

/** What a subscribe message asks for, checked; or why it may not be. */
function operationOf(
  schema: GraphQLSchema,
  services: Services,
  { id, payload, extra, socket }: { id: string; payload: SubscribePayload; extra: Extra; socket: Socket },
): Operation | readonly GraphQLError[] {
  const running = (extra.running ??= new Map<string, AbortController>());
  if (running.size >= MAX_OPERATIONS_PER_SOCKET) {
    const message = `A socket may have ${MAX_OPERATIONS_PER_SOCKET} operations at a time.`;
    return [new GraphQLError(message, { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } })];
  }
  const { query, variables, operationName } = payload;
  const document = checkOperation(schema, query, variables, operationName);
  if (!('kind' in document)) return document.map((error) => codedError(error, services));
  const gone = new AbortController();
  running.set(id, gone);
  const { actor = ANONYMOUS } = extra;
  const load = new Loaders(services.db, false);
  const contextValue: Context = { ...services, actor, load, gone: gone.signal };
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  const deliver: Deliver = (answer) =>
    gone.signal.aborted ? undefined : socket.deliver(`${head}${answer}}`);
  return { schema, document, variableValues: variables, operationName, contextValue, deliver };
}

/** Operations that did not pass the checks never ran: their errors carry their code already, or are validation's. */
export function codedError(error: GraphQLError, { log }: Pick<Services, 'log'>): GraphQLError {
  const { message, extensions } = formatError(error, log);
  return new GraphQLError(message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: extensions ?? {},
  });
}
