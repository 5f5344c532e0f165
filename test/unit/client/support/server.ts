import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { buildSchema, graphql } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

import { SDL } from './sdl.js';

type Args = { input: Record<string, unknown> } & Record<string, unknown>;
/** Field name to function, queries, mutations and subscriptions alike. */
export type Root = Record<string, (args: Args) => unknown>;

export interface TestServer {
  url: string;
  /** Each request of HTTP, as `POST /graphql`. */
  requests: string[];
  /** Sockets that were opened so far. */
  sockets: number;
  /** Cuts every socket without a word, as a dying server or a cable does. */
  terminateSockets(): void;
  connectionParams: unknown[];
  stop(): Promise<void>;
}

export interface ServerOptions {
  root: Root;
  /** Answers before GraphQL does, if it returns true. */
  intercept?: (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ) => boolean | Promise<boolean>;
}

/** A real HTTP and WebSocket server over a small schema. */
export async function startServer({ root, intercept }: ServerOptions): Promise<TestServer> {
  const schema = buildSchema(SDL);
  const requests: string[] = [];
  const connectionParams: unknown[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (await intercept?.(request, response, body)) return;
    const { query, variables } = JSON.parse(body.toString()) as {
      query: string;
      variables: Record<string, unknown>;
    };
    const result = await graphql({ schema, source: query, variableValues: variables, rootValue: root });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  };
  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const sockets = new WebSocketServer({ server: http, path: '/graphql' });
  const live = useServer(
    {
      schema,
      roots: { subscription: root },
      onConnect: ({ connectionParams: given }) => void connectionParams.push(given),
    },
    sockets,
  );
  const server = { url: '', requests, connectionParams, sockets: 0 };
  sockets.on('connection', () => server.sockets++);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  server.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return Object.assign(server, {
    terminateSockets: () => sockets.clients.forEach((socket) => socket.terminate()),
    stop: async () => {
      if (!http.listening) return;
      sockets.clients.forEach((socket) => socket.terminate());
      await live.dispose();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  });
}
