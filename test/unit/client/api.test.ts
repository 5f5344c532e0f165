import { setTimeout as sleep } from 'node:timers/promises';

import { ApiError, ShingoClient } from '../../../src/client/api.js';
import type { RetryPolicy } from '../../../src/client/retry.js';
import type { ExperimentEvent } from '../../../src/client/types.js';
import { type Root, type ServerOptions, startServer, type TestServer } from './support/server.js';

const FAST: RetryPolicy = { attempts: 3, firstDelayMs: 5, maxDelayMs: 10 };
const PROJECT = 'query ($id: ID!) { project(id: $id) { id name } }';
const CREATE = `mutation ($input: CreateProjectInput!) {
  createProject(input: $input) { project { id } userErrors { code message field } }
}`;

let server: TestServer;
let client: ShingoClient;

async function start(root: Root, intercept?: ServerOptions['intercept']): Promise<void> {
  server = await startServer({ root, intercept });
  client = new ShingoClient({ url: server.url, requestPolicy: FAST, socketPolicy: FAST });
}

afterEach(async () => {
  await client?.close();
  await server?.stop();
});

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApiError);
  return (error as ApiError).code;
};

describe('requests', () => {
  test('give their data, under the key of the client', async () => {
    let authorization: string | undefined;
    await start({ project: ({ id }) => ({ id, name: 'demo' }) }, (request) => {
      authorization = request.headers.authorization;
      return false;
    });
    await using keyed = new ShingoClient({ url: `${server.url}/graphql/`, apiKey: 'secret' });
    await expect(keyed.request(PROJECT, { id: 'demo' })).resolves.toEqual({
      project: { id: 'demo', name: 'demo' },
    });
    expect(authorization).toBe('Bearer secret');
  });

  test('turn GraphQL errors into coded errors, and do not repeat them', async () => {
    const { GraphQLError } = await import('graphql');
    await start({
      project: () => {
        throw new GraphQLError('no such project', { extensions: { code: 'NOT_FOUND' } });
      },
    });
    const error: unknown = await client.request(PROJECT, { id: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NOT_FOUND', message: 'no such project', path: ['project'] });
    expect(server.requests).toHaveLength(1);
  });

  test('turn user errors into coded errors with their field', async () => {
    const userErrors = [
      { code: 'NAME_TAKEN', message: 'there is one', field: ['name'] },
      { code: 'OTHER', message: 'more' },
    ];
    await start({ createProject: () => ({ userErrors }) });
    const error: unknown = await client.mutate(CREATE, { name: 'demo' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NAME_TAKEN', field: ['name'] });
    expect((error as ApiError).userErrors).toHaveLength(2);
  });

  test('are repeated a bounded number of times while the server is not ready', async () => {
    await start({}, (_request, response) => !!response.writeHead(503).end('starting'));
    expect(await codeOf(client.request(PROJECT, { id: 'x' }))).toBe('HTTP_503');
    expect(server.requests).toHaveLength(FAST.attempts);
  });

  test('succeed when the server becomes ready in between', async () => {
    await start({ project: () => ({ id: '1', name: 'demo' }) }, (_request, response) => {
      if (server.requests.length > 1) return false;
      response.destroy();
      return true;
    });
    await expect(client.request(PROJECT, { id: 'x' })).resolves.toMatchObject({ project: { name: 'demo' } });
  });

  test('that change something are not repeated once they may have been begun', async () => {
    await start({}, (_request, response) => !!response.destroy());
    expect(await codeOf(client.mutate(CREATE, { name: 'demo' }))).toBe('CONNECTION_LOST');
    expect(server.requests).toHaveLength(1);
  });

  test('that change something are repeated where the caller knows that this is harmless', async () => {
    await start({}, (_request, response) => !!response.destroy());
    expect(await codeOf(client.mutate(CREATE, { name: 'demo' }, { idempotent: true }))).toBe(
      'CONNECTION_LOST',
    );
    expect(server.requests).toHaveLength(FAST.attempts);
  });

  test('to nobody end after bounded tries', async () => {
    await start({});
    await server.stop();
    expect(await codeOf(client.mutate(CREATE, { name: 'demo' }))).toBe('UNREACHABLE');
  });

  test('end with their time limit', async () => {
    await start({}, () => true);
    expect(await codeOf(client.mutate(CREATE, { name: 'x' }, { timeoutMs: 50 }))).toBe('TIMEOUT');
  });

  test('to something else than the service say what came back', async () => {
    await start({}, (_request, response) => !!response.writeHead(404).end('<h1>It works!</h1>'));
    await expect(client.request(PROJECT, { id: 'x' })).rejects.toThrow('HTTP 404: <h1>It works!</h1>');
  });

  test('need the address of a service', () => {
    expect(() => new ShingoClient({ url: 'localhost:4000' })).toThrow('not the address');
  });
});

const at = '2026-01-01T00:00:00Z';
const log = (seq: number) => ({
  __typename: 'LogEvent',
  seq,
  time: at,
  level: 'INFO',
  message: `line ${seq}`,
});
const done = (seq: number) => ({ __typename: 'DoneEvent', seq, time: at, state: 'SUCCEEDED', reason: null });

async function* tail(from: number, to: number): AsyncGenerator<{ experimentEvents: unknown }> {
  for (let seq = from; seq <= to; seq++) {
    yield { experimentEvents: seq === 10 ? done(seq) : log(seq) };
    await sleep(1);
  }
  if (to < 10) await sleep(60_000, undefined, { ref: false });
}

async function read(
  events: AsyncIterable<ExperimentEvent>,
  onEvent?: (event: ExperimentEvent) => void,
): Promise<number[]> {
  const seen: number[] = [];
  for await (const event of events) {
    seen.push(event.seq);
    onEvent?.(event);
  }
  return seen;
}

describe('subscribeEvents', () => {
  test('resumes after the last seq when the socket is cut', async () => {
    const cursors: unknown[] = [];
    await start({
      experimentEvents: ({ afterSeq }) => {
        cursors.push(afterSeq);
        const from = (afterSeq as number) + 1;
        return tail(from, from < 4 ? 4 : from < 7 ? 7 : 10);
      },
    });
    const cut = ({ seq }: ExperimentEvent) => {
      if (seq === 4 || seq === 7) server.terminateSockets();
    };
    expect(await read(client.subscribeEvents('x'), cut)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(cursors).toEqual([0, 4, 7]);
    expect(server.sockets).toBe(3);
  });

  test('passes every event once, even if the server repeats some', async () => {
    await start({ experimentEvents: ({ afterSeq }) => tail(Math.max(1, (afterSeq as number) - 2), 10) });
    expect(await read(client.subscribeEvents('x', { afterSeq: 5 }))).toEqual([6, 7, 8, 9, 10]);
  });

  test('gives up after a bounded number of lost sockets', async () => {
    await start({
      experimentEvents: () => {
        setTimeout(() => server.terminateSockets(), 1);
        return tail(11, 10 - 1);
      },
    });
    expect(await codeOf(read(client.subscribeEvents('x')))).toBe('CONNECTION_LOST');
    expect(server.sockets).toBe(FAST.attempts);
  });

  test('is not repeated when the server refuses it', async () => {
    const { GraphQLError } = await import('graphql');
    let calls = 0;
    await start({
      experimentEvents: () => {
        calls++;
        throw new GraphQLError('no such experiment', { extensions: { code: 'NOT_FOUND' } });
      },
    });
    expect(await codeOf(read(client.subscribeEvents('x')))).toBe('NOT_FOUND');
    expect(calls).toBe(1);
  });

  test('is opened anew when the database of the service was away for a moment', async () => {
    const { GraphQLError } = await import('graphql');
    let calls = 0;
    await start({
      experimentEvents: () => {
        if (++calls < 3) throw new GraphQLError('away', { extensions: { code: 'DATABASE_UNAVAILABLE' } });
        return tail(1, 10);
      },
    });
    expect(await read(client.subscribeEvents('x'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('ends when it is aborted, and closes its socket', async () => {
    await start({ experimentEvents: () => tail(1, 2) });
    const stop = new AbortController();
    const reading = read(client.subscribeEvents('x', { signal: stop.signal }), ({ seq }) => {
      if (seq === 2) stop.abort(new Error('enough'));
    });
    await expect(reading).rejects.toThrow('enough');
  });

  test('carries the key in connection_init', async () => {
    await start({ experimentEvents: () => tail(10, 10) });
    await using keyed = new ShingoClient({ url: server.url, apiKey: 'secret' });
    await read(keyed.subscribeEvents('x'));
    expect(server.connectionParams).toEqual([{ authorization: 'Bearer secret' }]);
  });
});

describe('putBlob', () => {
  test.each([
    [201, true],
    [200, false],
  ])('answers whether the bytes are new: %i', async (status, isNew) => {
    let got: string | undefined;
    await start({}, (_request, response, body) => {
      got = body.toString();
      return !!response.writeHead(status).end();
    });
    await expect(client.putBlob(Buffer.from('bytes'), 'aa', 'image/png')).resolves.toBe(isNew);
    expect(server.requests).toEqual(['PUT /blobs/aa']);
    expect(got).toBe('bytes');
  });

  test('gives the reason of a refusal', async () => {
    const body = JSON.stringify({ code: 'PICTURE_TRUNCATED', message: 'the picture ends early' });
    await start({}, (_request, response) => !!response.writeHead(422).end(body));
    const error: unknown = await client
      .putBlob(Buffer.from('x'), 'aa', 'image/png')
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'PICTURE_TRUNCATED',
      message: 'the picture ends early',
      status: 422,
    });
  });

  test('names a file that is not there', async () => {
    await start({});
    await expect(client.putBlob('/no/such/file', 'aa', 'image/png')).rejects.toThrow(
      '/no/such/file cannot be read',
    );
  });
});
