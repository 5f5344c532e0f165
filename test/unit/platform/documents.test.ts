/** What the documents claim of the code. */
import { readFile, readdir } from 'node:fs/promises';
import { validate } from 'dockerfile-utils';
import { buildSchema, parse, validate as validateOperation } from 'graphql';
import { environmentSchema } from '../../../src/platform/config.js';

/** At least so many operations stand in these pages. */
const OPERATIONS = {
  ...{ 'README.md': 3, 'docs/datasets.md': 3, 'docs/evaluation.md': 5, 'docs/registry.md': 8 },
  ...{ 'docs/use.md': 5, 'docs/training.md': 1, 'docs/logging.md': 6, 'docs/pipelines.md': 6 },
  ...{ 'docs/experiments.md': 5, 'docs/retention.md': 5 },
};

test('every error code of the service is explained in docs/errors.md', async () => {
  const page = await readFile('docs/errors.md', 'utf8');
  const files = (await readdir('src', { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('client'),
  );
  const codes = new Set<string>();
  for (const file of files) {
    const text = await readFile(`src/${file}`, 'utf8');
    for (const match of text.matchAll(/(?:Error\(\s*|code: )'([A-Z][A-Z0-9_]+)'/g))
      codes.add(match[1] as string);
  }
  expect(codes.size).toBeGreaterThan(30);
  expect([...codes].filter((code) => !new RegExp(`\\b${code}\\b`).test(page))).toEqual([]);
});

test('the operations of every page are of this schema', async () => {
  const schema = buildSchema(await readFile('schema/schema.graphql', 'utf8'));
  const pages = [
    'README.md',
    ...(await readdir('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ];
  const found = new Map<string, number>();
  for (const page of pages) {
    const text = await readFile(page, 'utf8');
    const operations = [...text.matchAll(/^```graphql\n(.*?)^```/gms)].map((match) => match[1] as string);
    for (const operation of operations)
      expect([page, operation, validateOperation(schema, parse(operation))]).toEqual([page, operation, []]);
    found.set(page, operations.length);
  }
  // A page whose fences are written otherwise would pass with none.
  for (const [page, least] of Object.entries(OPERATIONS))
    expect([page, (found.get(page) ?? 0) >= least]).toEqual([page, true]);
});

test('every setting stands in the README with its default, and no other', async () => {
  const readme = await readFile('README.md', 'utf8');
  const documented = [...readme.matchAll(/^\| `(SHINGO_\w+)` *\|/gm)].map((match) => match[1]);
  expect(documented.sort()).toEqual(Object.keys(environmentSchema.shape).sort());
});

test('the Dockerfile has no finding of the linter, and runs only commands that the tests run', async () => {
  const text = await readFile('Dockerfile', 'utf8');
  expect(validate(text)).toEqual([]);
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const match of text.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(match[1]);
  expect(text).toMatch(/^USER shingo$/m);
});
