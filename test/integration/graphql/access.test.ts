/** Who may come in: whoever has a key, or, without keys, whoever is on this machine and no page of another origin. */
import { request } from 'node:http';
import { WebSocket } from 'ws';
import { startTestService, type TestService } from '../../support/service.js';
import { askSocket, stableCode } from './support/answers.js';

const KEYS = ['first-key-of-the-tests', 'second-key-of-the-tests'];
let open: TestService;
let locked: TestService;
beforeAll(async () => {
  open = await startTestService();
  locked = await startTestService({ env: { SHINGO_API_KEYS: KEYS.join(',') } });
});
afterAll(async () => {
  await open.stop();
  await locked.stop();
});

interface Answer {
  status: number;
  code: string | undefined;
}

/** With headers that fetch does not let a caller set (Host). */
function get({ url }: TestService, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      response.on('end', () => {
        const json = text.startsWith('{') ? (JSON.parse(text) as { code?: string }) : {};
        resolve({ status: response.statusCode ?? 0, code: json.code });
      });
    });
    sent.on('error', reject).end();
  });
}

/** The HTTP status that a WebSocket upgrade is answered with; 101: it is open. */
function upgrade({ url }: TestService, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    const done = (status: number) => {
      resolve(status);
      socket.terminate();
    };
    socket.on('open', () => done(101));
    socket.on('unexpected-response', (_, response) => done(response.statusCode ?? 0));
    socket.on('error', () => undefined);
  });
}

describe('with keys', () => {
  const SECRETS = [
    '/graphql?query={__typename}',
    `/blobs/${'0'.repeat(64)}`,
    '/nowhere',
    '/graphql/',
    '//graphql',
  ];

  test.each(SECRETS)('%s is UNAUTHENTICATED without one, or with a wrong one', async (path) => {
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer wrong',
      `Basic ${KEYS[0]}`,
      KEYS[0],
      `Bearer ${KEYS[0]}x`,
      `Bearer ${KEYS.join(',')}`,
    ]) {
      const answer = await get(locked, path, authorization === undefined ? {} : { authorization });
      expect([authorization, answer]).toEqual([authorization, { status: 401, code: 'UNAUTHENTICATED' }]);
    }
  });

  test('either key opens, whatever the case of the word Bearer', async () => {
    for (const authorization of [`Bearer ${KEYS[0]}`, `bearer ${KEYS[1]}`]) {
      expect(await locked.ask('{ __typename }', {}, { authorization })).toEqual({
        data: { __typename: 'Query' },
      });
    }
  });

  test('a mutation without a key changes nothing', async () => {
    expect(
      (await locked.ask('mutation { createProject(input: { name: "x" }) { project { id } } }')) as unknown,
    ).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await locked.put(Buffer.from('x'))).status).toBe(401);
    expect(await locked.db.query('SELECT 1 FROM project')).toEqual([]);
  });

  test('health checks and the page need none', async () => {
    for (const path of ['/livez', '/readyz', '/', '/graphiql', '/graphiql?x=1'])
      expect((await get(locked, path, {})).status).toBe(200);
  });

  test('a socket without the right key in connection_init is closed, and says why', async () => {
    for (const connectionParams of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: 7 },
      { authorization: KEYS[0] },
      { authorization: null },
    ]) {
      const answer = await askSocket(locked, { query: '{ __typename }' }, { connectionParams });
      expect(answer.closed).toEqual({ code: 4403, reason: 'UNAUTHENTICATED' });
    }
  });

  test('a socket with a key in connection_init is answered', async () => {
    for (const connectionParams of [
      { authorization: `Bearer ${KEYS[0]}` },
      { Authorization: `Bearer ${KEYS[1]}` },
    ]) {
      expect((await askSocket(locked, { query: '{ __typename }' }, { connectionParams })).data).toEqual({
        __typename: 'Query',
      });
    }
  });

  test('a host of any name may be asked: the key is the guard', async () => {
    const headers = { host: 'catalog.example.com', authorization: `Bearer ${KEYS[0]}` };
    expect((await get(locked, '/readyz', headers)).status).toBe(200);
  });
});

describe('without keys', () => {
  test.each(['localhost', 'localhost:4600', '127.0.0.1:80', '[::1]:4600', '127.9.9.9'])(
    'the host %s is this machine',
    async (host) => {
      expect((await get(open, '/readyz', { host })).status).toBe(200);
      expect(await upgrade(open, { host })).toBe(101);
    },
  );

  test.each([
    'evil.example',
    'evil.example:4600',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '192.168.0.7',
    '127.1',
    '@localhost',
    'localhost@evil.example',
  ])('the host %j, which may have been pointed here, is FORBIDDEN', async (host) => {
    expect(await get(open, '/graphql?query={__typename}', { host })).toEqual({
      status: 403,
      code: 'FORBIDDEN',
    });
    expect(await upgrade(open, { host })).toBe(403);
  });
});

describe('a page', () => {
  test.each([
    'http://evil.example',
    'https://localhost.evil.example',
    'null',
    'file://',
    '',
    'localhost',
    'http://localhost@evil.example',
  ])('of the origin %j is FORBIDDEN, key or not', async (origin) => {
    const host = 'localhost:4600';
    for (const [service, headers] of [
      [open, {}],
      [locked, { authorization: `Bearer ${KEYS[0]}` }],
    ] as const) {
      expect(await get(service, '/graphql?query={__typename}', { host, origin, ...headers })).toEqual({
        status: 403,
        code: 'FORBIDDEN',
      });
      expect(await upgrade(service, { host, origin, ...headers })).toBe(403);
    }
  });

  test('of the same origin may ask', async () => {
    const headers = { host: 'localhost:4600', origin: 'http://localhost:4600' };
    expect((await get(open, '/readyz', headers)).status).toBe(200);
    expect(await upgrade(open, headers)).toBe(101);
  });

  test('cannot make a browser ask without a preflight: forms and images are refused', async () => {
    const form = {
      method: 'POST',
      body: '{"query":"{ __typename }"}',
      headers: { 'content-type': 'text/plain' },
    };
    for (const response of [
      await fetch(`${open.url}/graphql`, form),
      await fetch(`${open.url}/graphql?query={__typename}`),
    ]) {
      expect(response.status).toBe(400);
      expect(stableCode((await response.json()) as never)).toBe('BAD_REQUEST');
    }
  });
});
