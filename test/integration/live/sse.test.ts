/** Server-sent events: by a client that knows HTTP only, and by curl; the codes and limits of the WebSocket. */
import { execFile, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { promisify } from 'node:util';
import { Connections } from '../../../src/graphql/connections.js';
import { MAX_SOCKET_MESSAGE_BYTES } from '../../../src/graphql/limits.js';
import { points, startLogging, type LoggingWorld } from '../experiments/logging/support.js';

const QUERY = `subscription ($id: ID!, $afterSeq: Int) { experimentEvents(id: $id, afterSeq: $afterSeq) {
  __typename ... on MetricEvent { seq } ... on StatusEvent { seq } ... on DoneEvent { seq } } }`;
const curl = spawnSync('curl', ['--version']).status === 0;

let world: LoggingWorld;
let batch = 0;
beforeAll(async () => {
  world = await startLogging();
});
afterAll(() => world.stop());

const log = (experimentId: string, count: number) =>
  world.log('logMetrics', { experimentId, batchId: `b${++batch}`, points: points(count) });
const finish = (experimentId: string) =>
  world.log('finishExperiment', { experimentId, batchId: `b${++batch}`, state: 'SUCCEEDED' });

interface Message {
  event: string;
  id: string | null;
  data: any;
}
const parse = (text: string): Message[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2))))
    .filter(({ event }) => event)
    .map(({ event, id = null, data }) => ({ event, id, data: data ? JSON.parse(data) : null }));

const open = (body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(`${world.url}/graphql/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
const codeOf = (text: string) => {
  const { data } = parse(text)[0] ?? { data: JSON.parse(text) };
  return data.code ?? data.errors[0].extensions.code;
};

test('every row comes once, in order, with its cursor as id; Last-Event-ID goes on after it; then complete', async () => {
  const { id } = await world.create();
  await log(id, 5);
  const leave = new AbortController();
  const first = await open({ query: QUERY, variables: { id } }, {}, leave.signal);
  expect(first.headers.get('content-type')).toMatch(/^text\/event-stream/);
  let text = '';
  const reader = first.body!.pipeThrough(new TextDecoderStream()).getReader();
  while (parse(text).length < 3) text += String((await reader.read()).value);
  leave.abort();
  const seen = parse(text).slice(0, 3);
  await log(id, 4);
  await finish(id);
  const rest = parse(
    await (await open({ query: QUERY, variables: { id } }, { 'last-event-id': seen.at(-1)!.id! })).text(),
  );
  expect(rest.pop()).toEqual({ event: 'complete', id: null, data: null });
  const all = [...seen, ...rest];
  expect(all.map(({ event }) => event)).toEqual(all.map(() => 'next'));
  const seqs = all.map(({ data }) => data.data.experimentEvents.seq as number);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(all.map((message) => message.id)).toEqual(seqs.map(String));
  expect(all.at(-1)!.data.data.experimentEvents.__typename).toBe('DoneEvent');
});

(curl ? test : test.skip)('curl -N reads it, by GET and by POST', async () => {
  const { id } = await world.create();
  await log(id, 3);
  await finish(id);
  const run = promisify(execFile);
  const address = `${world.url}/graphql/stream`;
  const got = await run('curl', [
    ...['-sN', '-G', address, '--data-urlencode', `query=${QUERY}`],
    ...['--data-urlencode', `variables=${JSON.stringify({ id })}`],
  ]);
  const posted = await run('curl', [
    ...['-sN', address, '-H', 'content-type: application/json'],
    ...['-d', JSON.stringify({ query: QUERY, variables: { id } })],
  ]);
  expect(parse(got.stdout).at(-1)!.event).toBe('complete');
  expect(parse(got.stdout).length).toBeGreaterThan(4);
  expect(parse(posted.stdout)).toEqual(parse(got.stdout));
});

test('what is refused has the code that the WebSocket gives', async () => {
  const ask = async (body: object, headers = {}) => codeOf(await (await open(body, headers)).text());
  expect(await ask({ query: 'subscription {' })).toBe('GRAPHQL_PARSE_FAILED');
  expect(await ask({ query: 'subscription { nope }' })).toBe('GRAPHQL_VALIDATION_FAILED');
  expect(await ask({ query: QUERY, variables: { id: 'logs/nowhere' } })).toBe('NOT_FOUND');
  const { id } = await world.create();
  expect(await ask({ query: QUERY, variables: { id, afterSeq: 1000 } })).toBe('BAD_USER_INPUT');
  expect(await ask({ query: QUERY, variables: { id } }, { 'last-event-id': 'x' })).toBe('INVALID_CURSOR');
  expect(await ask({})).toBe('BAD_REQUEST');
  const big = await open({ query: QUERY, variables: { id, pad: 'x'.repeat(MAX_SOCKET_MESSAGE_BYTES) } });
  expect(big.status).toBe(413);
});

test('a stream that is cut by a stopping service does not say that it is complete', async () => {
  const own = await startLogging();
  const { id } = await own.create();
  const chunks: string[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    const stream = request(
      `${own.url}/graphql/stream`,
      { method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk.toString());
          if (chunks.length === 1) void own.stop().catch(reject);
        });
        response.on('close', resolve);
      },
    );
    stream.on('error', reject).end(JSON.stringify({ query: QUERY, variables: { id } }));
  });
  await ended;
  expect(parse(chunks.join('')).map(({ event }) => event)).not.toContain('complete');
});

test('one caller cannot take all the streams of a process', () => {
  const connections = new Connections(3, 2);
  const release = connections.open('a');
  connections.open('a');
  expect(() => connections.open('a')).toThrow(
    expect.objectContaining({ code: 'TOO_MANY_SOCKETS', httpStatus: 429 }),
  );
  connections.open('b');
  expect(() => connections.open('c')).toThrow(
    expect.objectContaining({ code: 'TOO_MANY_SOCKETS', httpStatus: 503 }),
  );
  release();
  release();
  connections.open('c');
  expect(() => connections.open('b')).toThrow(expect.objectContaining({ code: 'TOO_MANY_SOCKETS' }));
});
