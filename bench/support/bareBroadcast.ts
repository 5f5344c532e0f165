/** The least that a stream can cost: rows from memory, written as JSON once each, sent to whoever asked for them. */
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

export interface BareRows {
  id: string;
  rows: { seq: number; value: number }[];
}

const audience = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    const { type, payload } = JSON.parse(data.toString());
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (type !== 'subscribe') return;
    const { id } = payload.variables;
    const all = audience.get(id) ?? new Set();
    audience.set(id, all.add(socket));
    socket.on('close', () => all.delete(socket));
  });
});
server.on('listening', () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.on('message', ({ id, rows }: BareRows) => {
  for (const row of rows) {
    const text = JSON.stringify({ id: '1', type: 'next', payload: { data: { experimentEvents: row } } });
    for (const socket of audience.get(id) ?? []) socket.send(text);
  }
});
process.on('disconnect', () => process.exit(0));
