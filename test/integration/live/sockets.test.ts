/** What a socket may not do: say nothing, send too much, take nothing, be one too many. Each end has its reason. */
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_SOCKETS_PER_CALLER, MAX_SOCKET_MESSAGE_BYTES } from '../../../src/graphql/limits.js';
import { Connections } from '../../../src/graphql/connections.js';
import { Socket, watch } from '../../../src/graphql/socket.js';
import { until } from '../../faults/world.js';
import { startTestService, type TestService } from '../../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const open = (url = service.url) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  const opened = new Promise<void>((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return { socket, closed, opened };
};

test('a message that is too large ends its socket with a code', async () => {
  const { socket, closed, opened } = open();
  await opened;
  socket.send('x'.repeat(MAX_SOCKET_MESSAGE_BYTES + 1));
  expect(await closed).toEqual({ code: 1009, reason: 'MESSAGE_TOO_LARGE' });
});

test('a socket that never says hello is closed', async () => {
  const { closed, opened } = open();
  await opened;
  expect((await closed).code).toBe(4408);
});

test('a client that takes nothing and answers no ping is closed, one that answers is not', async () => {
  const server = new WebSocketServer({ port: 0, WebSocket: Socket as never });
  const stop = watch(server, 600, 150);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [silent, lively] = [open(url), open(url)];
  await Promise.all([silent.opened, lively.opened]);
  let pings = 0;
  const pinged = new Promise<void>((resolve) => lively.socket.on('ping', () => ++pings === 6 && resolve()));
  silent.socket.pause();
  await pinged;
  expect(lively.socket.readyState).toBe(WebSocket.OPEN);
  silent.socket.resume();
  expect(await silent.closed).toEqual({ code: 4408, reason: 'CLIENT_TOO_SLOW' });
  lively.socket.terminate();
  stop();
  server.close();
});

test('places are given back when sockets close, however they close', async () => {
  const opening = jest.spyOn(Connections.prototype, 'open');
  const sockets = Array.from({ length: 3 }, () => open());
  await Promise.all(sockets.map(({ opened }) => opened));
  const connections = opening.mock.contexts[0] as Connections;
  opening.mockRestore();
  sockets[0]!.socket.close();
  sockets[1]!.socket.terminate();
  sockets[2]!.socket.send('no JSON');
  await Promise.all(sockets.map(({ closed }) => closed));
  // The server hears of it a moment after the client.
  const places: (() => void)[] = [];
  await until(async () => {
    try {
      while (places.length < MAX_SOCKETS_PER_CALLER) places.push(connections.open('127.0.0.1'));
      return true;
    } catch {
      return null;
    }
  });
  expect(() => connections.open('127.0.0.1')).toThrow(expect.objectContaining({ code: 'TOO_MANY_SOCKETS' }));
  const refused = await fetch(`${service.url}/graphql/stream?query={__typename}`);
  expect([refused.status, (await refused.json()).code]).toEqual([429, 'TOO_MANY_SOCKETS']);
  await expect(open().opened).rejects.toThrow('429');
  places.forEach((release) => release());
  await expect(open().opened.then(() => 'open')).resolves.toBe('open');
});
