import fc from 'fast-check';
import { environmentSchema, isLoopback, parseConfig } from '../../../src/platform/config.js';

const KEY = 'a-key-of-16-chars-or-more';

function problemOf(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    return (error as Error).message;
  }
  throw new Error(`accepted: ${JSON.stringify(environment)}`);
}

test('nothing set is a configuration for one machine: loopback, no key, the embedded database', () => {
  expect(parseConfig({})).toMatchObject({
    databaseUrl: undefined,
    host: '127.0.0.1',
    port: 4600,
    apiKeys: [],
    engine: 'auto',
  });
});

test('an empty variable is one that is not set', () => {
  const empty = Object.fromEntries(Object.keys(environmentSchema.shape).map((name) => [name, '']));
  expect(parseConfig(empty)).toEqual(parseConfig({}));
});

test.each([
  ['SHINGO_DATABASE_URL', 'mysql://user:hunter2-secret@host/database'],
  ['SHINGO_DATABASE_URL', 'hunter2-secret'],
  ['SHINGO_DATABASE_POOL', '1'],
  ['SHINGO_DATABASE_POOL', '201'],
  ['SHINGO_DATABASE_POOL', 'ten'],
  ['SHINGO_PORT', '-1'],
  ['SHINGO_PORT', '65536'],
  ['SHINGO_PORT', '80.5'],
  ['SHINGO_PORT', ' '],
  ['SHINGO_PORT', '0x50'],
  ['SHINGO_API_KEYS', 'hunter2-secret'],
  ['SHINGO_API_KEYS', `${KEY},hunter2-secret`],
  ['SHINGO_ENGINE', 'gpu'],
  ['SHINGO_WORKER_NAME', 'w'.repeat(101)],
  ['SHINGO_MAX_UPLOAD_BYTES', '1023'],
  ['SHINGO_MAX_UPLOAD_BYTES', '2147483648'],
  ['SHINGO_DRAIN_SECONDS', '0'],
  ['SHINGO_DRAIN_SECONDS', '601'],
  ['SHINGO_LOG_LEVEL', 'loud'],
  ['SHINGO_PROT', '80'],
])('%s=%s is refused by name', (name, value) => {
  expect(problemOf({ [name]: value })).toContain(`\n  ${name}: `);
});

test('every wrong variable is named at once', () => {
  const problem = problemOf({ SHINGO_PORT: 'x', SHINGO_ENGINE: 'x', SHINGO_NOPE: 'x' });
  for (const name of ['SHINGO_PORT', 'SHINGO_ENGINE', 'SHINGO_NOPE']) expect(problem).toContain(name);
});

test('no wrong value is echoed: it may be a secret', () => {
  const secret = fc.string({ minLength: 1, maxLength: 10 }).map((text) => `zq${text}zq`);
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(environmentSchema.shape)), secret, (name, value) => {
      // Free texts, which accept it.
      if (['SHINGO_DATA_DIR', 'SHINGO_WORKER_NAME', 'SHINGO_HOST_LABELS'].includes(name)) return;
      expect(problemOf({ [name]: value })).not.toContain(value);
    }),
  );
});

test.each(['0.0.0.0', '::', '192.168.1.5', 'gpu-host', '127.evil.example', 'localhost.evil.example'])(
  'the address %s, which others can reach, needs a key',
  (host) => {
    expect(problemOf({ SHINGO_HOST: host })).toContain('SHINGO_API_KEYS');
    expect(problemOf({ SHINGO_HOST: host, SHINGO_API_KEYS: ' , ,' })).toContain('SHINGO_API_KEYS');
    expect(parseConfig({ SHINGO_HOST: host, SHINGO_API_KEYS: KEY })).toMatchObject({ host, apiKeys: [KEY] });
  },
);

test.each(['localhost', '127.0.0.1', '127.255.0.9', '::1'])('the address %s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true);
  expect(parseConfig({ SHINGO_HOST: host }).host).toBe(host);
});

test('keys are taken apart at commas and trimmed', () => {
  expect(parseConfig({ SHINGO_API_KEYS: ` ${KEY}-1 ,,${KEY}-2,` }).apiKeys).toEqual([`${KEY}-1`, `${KEY}-2`]);
});

test('what the client reads from the environment, and what is not ours, is left alone', () => {
  expect(() => parseConfig({ SHINGO_URL: 'http://x', SHINGO_API_KEY: 'x', PATH: '/bin' })).not.toThrow();
});

test('every setting says what it is for', () => {
  for (const [name, schema] of Object.entries(environmentSchema.shape)) {
    expect([name, (schema as { description?: string }).description ?? '']).toEqual([
      name,
      expect.stringMatching(/\w{3,}/),
    ]);
  }
});
