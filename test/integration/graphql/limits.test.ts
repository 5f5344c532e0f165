/** What one operation may ask for: refused with the same code over HTTP and over WebSocket. */
import { MAX_ALIASES, MAX_COMPLEXITY, MAX_DEPTH } from '../../../src/graphql/limits.js';
import { startTestService, type TestService } from '../../support/service.js';
import { askSocket, stableCode } from './support/answers.js';
import { newProject } from './support/world.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
  await newProject(service.db, 'here');
});
afterAll(() => service.stop());

interface Operation {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

async function both(operation: Operation): Promise<{ http: string; socket: string }> {
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(operation),
  });
  return {
    http: stableCode((await response.json()) as never),
    socket: stableCode(await askSocket(service, operation)),
  };
}

/** The schema itself is the only thing that goes this deep. */
const nested = (depth: number) =>
  `{ __type(name: "Image") { fields { type ${'{ ofType '.repeat(depth - 4)}{ name }${' }'.repeat(depth - 4)} } } }`;
const images = (first: number | string) =>
  `images(projectId: "here", first: ${first}) { nodes { id annotations { id category x y width height } conditions { sources } } }`;
const aliases = (count: number) =>
  `{ ${Array.from({ length: count }, (_, n) => `a${n}: project(id: "here") { id }`).join(' ')} }`;
const doubling = (levels: number) =>
  `{ ...F0 } ${Array.from({ length: levels }, (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(' ')}
   fragment F${levels} on Query { __typename }`;

const refused: Record<string, { operation: Operation; code: string }> = {
  'deeper than allowed': { operation: { query: nested(MAX_DEPTH + 1) }, code: 'TOO_COMPLEX' },
  'more aliases than allowed': { operation: { query: aliases(MAX_ALIASES + 1) }, code: 'TOO_COMPLEX' },
  'more tokens than allowed': {
    operation: { query: `{ ${'__typename '.repeat(5001)} }` },
    code: 'GRAPHQL_PARSE_FAILED',
  },
  'no GraphQL': { operation: { query: '{ images(' }, code: 'GRAPHQL_PARSE_FAILED' },
  'an empty document': { operation: { query: ' ' }, code: 'GRAPHQL_PARSE_FAILED' },
  'a field that is not there': { operation: { query: '{ nope }' }, code: 'GRAPHQL_VALIDATION_FAILED' },
  'a circle of fragments': {
    operation: { query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }' },
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  'more fields than may be touched': {
    operation: { query: `{ ${images(500)} b: ${images(500)} c: ${images(500)} d: ${images(500)} }` },
    code: 'TOO_COMPLEX',
  },
  'more rows by a variable': {
    operation: {
      query: `query ($n: Int!) { ${images('$n')} b: ${images('$n')} c: ${images('$n')} d: ${images('$n')} }`,
      variables: { n: 500 },
    },
    code: 'TOO_COMPLEX',
  },
  'fragments that double thirty times': { operation: { query: doubling(30) }, code: 'TOO_COMPLEX' },
  'a variable of the wrong type': {
    operation: { query: `query ($n: Int!) { ${images('$n')} }`, variables: { n: 'many' } },
    code: 'BAD_USER_INPUT',
  },
  'a variable that is missing': {
    operation: { query: `query ($n: Int!) { ${images('$n')} }` },
    code: 'BAD_USER_INPUT',
  },
  'an operation that is not there': {
    operation: { query: 'query A { __typename } query B { __typename }', operationName: 'C' },
    code: 'OPERATION_RESOLUTION_FAILURE',
  },
  'two operations and no name': {
    operation: { query: 'query A { __typename } query B { __typename }' },
    code: 'OPERATION_RESOLUTION_FAILURE',
  },
  'an id of no project': {
    operation: { query: '{ images(projectId: "nowhere") { totalCount } }' },
    code: 'NOT_FOUND',
  },
  'an id of nothing': { operation: { query: '{ image(id: "nowhere") { id } }' }, code: 'INVALID_ID' },
};

test.each(Object.keys(refused))('%s is refused, with one code over HTTP and WebSocket', async (name) => {
  const { operation, code } = refused[name]!;
  expect(await both(operation)).toEqual({ http: code, socket: code });
});

test('what is just within the limits is answered', async () => {
  for (const query of [aliases(MAX_ALIASES), nested(MAX_DEPTH)]) {
    expect((await service.ask(query)).errors).toBeUndefined();
  }
  expect((await service.ask(`{ ${images(500)} }`)).errors).toBeUndefined();
  const message = (
    await service.ask(`{ ${images(500)} b: ${images(500)} c: ${images(500)} d: ${images(500)} }`)
  ).errors?.[0]?.message;
  expect(message).toContain(String(MAX_COMPLEXITY));
  expect(
    Object.keys((await service.ok('{ __schema { types { name } } }')).__schema.types).length,
  ).toBeGreaterThan(50);
});

test('a filter nested a hundred thousand deep is refused; the service lives on', async () => {
  const depth = 100_000;
  const body = `{"query":"query ($w: ImageWhere) { images(projectId: \\"here\\", where: $w) { totalCount } }","variables":{"w":${'{"not":'.repeat(depth)}{}${'}'.repeat(depth)}}}`;
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  stableCode((await response.json()) as never);
  expect((await service.ok('{ project(id: "here") { name } }')).project.name).toBe('here');
});

test.each([
  ['nine deep', Array.from({ length: 9 }).reduce<object>((inner) => ({ not: inner }), { width: { eq: 1 } })],
  ['of 201 terms', { and: Array.from({ length: 201 }, () => ({ width: { eq: 1 } })) }],
  ['of a thousand empty terms', { or: Array.from({ length: 1000 }, () => ({})) }],
  ['with 1,001 values in a list', { width: { in: Array.from({ length: 1001 }, (_, n) => n) } }],
  ['with null where a value belongs', { width: { eq: null } }],
])('a filter %s is FILTER_INVALID', async (_, where) => {
  const query = 'query ($where: ImageWhere) { images(projectId: "here", where: $where) { totalCount } }';
  expect(stableCode(await service.ask(query, { where }))).toBe('FILTER_INVALID');
});

test('a filter with 1,000 values in a list is answered', async () => {
  const where = { width: { in: Array.from({ length: 1000 }, (_, n) => n) } };
  const query = 'query ($where: ImageWhere) { images(projectId: "here", where: $where) { totalCount } }';
  expect(await service.ok(query, { where })).toEqual({ images: { totalCount: 0 } });
});

test('a socket message that is too long closes the socket, not the service', async () => {
  // graphql-ws tells the operator, rightly; not whoever reads the tests.
  const { error } = console;
  console.error = () => undefined;
  const { closed } = await askSocket(service, { query: `{ __typename } # ${'x'.repeat(300_000)}` });
  console.error = error;
  expect(closed?.code).toBe(1009);
  expect((await service.ok('{ __typename }')).__typename).toBe('Query');
});
