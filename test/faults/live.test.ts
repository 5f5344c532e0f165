/** Streams whose service is killed, one of two and then the other, and clients that stop reading. */
import getPort from 'get-port';
import { WebSocket } from 'ws';
import { heapAfterGc } from '../../bench/support/heap.js';
import { serveProcess, type ServeProcess } from '../../bench/support/serviceProcess.js';
import { append, metric } from '../integration/live/support.js';
import { createWorld, type World } from './world.js';

let world: World;
const services: ServeProcess[] = [];
beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  for (const service of services) await service.kill();
  await world.stop();
});
async function serve(port?: number, flags: string[] = []): Promise<ServeProcess> {
  const service = await serveProcess(world.databaseUrl, { ...(port === undefined ? {} : { port }), flags });
  services.push(service);
  return service;
}

const QUERY = `subscription ($id: ID!, $after: Int!) { experimentEvents(id: $id, afterSeq: $after) {
  ... on MetricEvent { seq } ... on StatusEvent { seq } ... on DoneEvent { seq } } }`;

/** Knows of graphql-transport-ws what it needs, so that what it does not read is the socket's own matter. */
class Reader {
  readonly seqs: number[] = [];
  closed: { code: number; reason: string } | null = null;
  socket: WebSocket;

  constructor(url: string, id: string, after = 0) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const send = (message: object) => this.socket.send(JSON.stringify(message));
    this.socket.on('error', () => undefined);
    this.socket.on('open', () => send({ type: 'connection_init' }));
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('message', (data: Buffer) => {
      const { type, payload } = JSON.parse(data.toString());
      if (type === 'connection_ack')
        send({ id: '1', type: 'subscribe', payload: { query: QUERY, variables: { id, after } } });
      if (type === 'next') this.seqs.push(payload.data.experimentEvents.seq);
    });
  }
}

const gapless = (seqs: readonly number[], from = 1) => seqs.every((seq, index) => seq === from + index);
const nameOf = async (uuid: string) => {
  const [row] = await world.db.query(
    'SELECT p.name AS project, e.name FROM experiment e JOIN project p ON p.id = e.project_id WHERE e.id = $1',
    [uuid],
  );
  return `${row.project}/${row.name}`;
};

test('two services, each killed and started again under load: every client has every row once, in order', async () => {
  const { experimentUuid } = await world.train();
  const id = await nameOf(experimentUuid);
  const ports = [await getPort(), await getPort()];
  const pair = await Promise.all(ports.map((port) => serve(port)));
  const seen: number[][] = Array.from({ length: 8 }, () => []);
  let reading = true;
  const clients = seen.map(async (seqs, client) => {
    // Now this service, now the other, as behind a balancer.
    for (let round = client; reading; round++) {
      const reader = new Reader(`http://127.0.0.1:${ports[round % 2]!}`, id, seqs.length);
      await world.wait(async () => (reader.closed || !reading ? true : null), 60_000);
      seqs.push(...reader.seqs.splice(0));
      reader.socket.terminate();
    }
  });
  let step = 0;
  const write = async (count: number) => {
    for (let n = 0; n < count; n++)
      await append(world.db, experimentUuid, ...Array.from({ length: 10 }, () => metric(++step)));
  };
  for (const index of [0, 1]) {
    await write(10);
    const writing = write(10);
    await pair[index]!.kill();
    await writing;
    pair[index] = await serve(ports[index]);
  }
  await write(10);
  const [{ last_seq: last }] = await world.db.query('SELECT last_seq::int FROM experiment WHERE id = $1', [
    experimentUuid,
  ]);
  expect(last).toBeGreaterThanOrEqual(500);
  reading = false;
  await Promise.all(clients);
  for (const seqs of seen) {
    const rest = new Reader(`http://127.0.0.1:${ports[0]!}`, id, seqs.length);
    await world.wait(async () => (seqs.length + rest.seqs.length >= last ? true : null), 20_000);
    seqs.push(...rest.seqs);
    rest.socket.terminate();
    expect(gapless(seqs)).toBe(true);
    expect(seqs).toHaveLength(last);
  }
}, 120_000);

test('20 clients that stop reading while 200,000 points are written cost nothing; others are served; they read on without loss', async () => {
  const COUNT = 200_000;
  const { experimentUuid } = await world.train();
  const id = await nameOf(experimentUuid);
  const inspector = await getPort();
  const { url } = await serve(undefined, [`--inspect=127.0.0.1:${inspector}`]);
  const attentive = new Reader(url, id);
  const stopped = Array.from({ length: 20 }, () => new Reader(url, id));
  await world.wait(async () => (stopped.every(({ seqs }) => seqs.length > 0) ? true : null), 20_000);
  for (const { socket } of stopped) socket.pause();
  const before = await heapAfterGc(inspector);
  const [{ last_seq: start }] = await world.db.query('SELECT last_seq::int FROM experiment WHERE id = $1', [
    experimentUuid,
  ]);
  for (let from = start; from < start + COUNT; from += 10_000) {
    await append(world.db, experimentUuid, ...Array.from({ length: 10_000 }, (_, row) => metric(from + row)));
  }
  await world.wait(async () => (attentive.seqs.length >= start + COUNT ? true : null), 60_000);
  expect(gapless(attentive.seqs)).toBe(true);
  // 20 × 200,000 answers are 400 MB. What is held, without garbage: resident memory says how lazy the collector was.
  expect((await heapAfterGc(inspector)) - before).toBeLessThan(30 * 2 ** 20);
  const again = stopped.slice(0, 2);
  for (const { socket, seqs } of again) {
    expect(seqs.length).toBeLessThan(COUNT / 2);
    socket.resume();
  }
  await world.wait(
    async () => (again.every(({ seqs }) => seqs.length >= start + COUNT) ? true : null),
    60_000,
  );
  for (const { seqs } of again) expect(gapless(seqs)).toBe(true);
  for (const { socket } of [attentive, ...stopped]) socket.terminate();
}, 180_000);
