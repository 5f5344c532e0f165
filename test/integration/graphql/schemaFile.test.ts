import { readFile } from 'node:fs/promises';
import { createSchema, printedSchema } from '../../../src/schema.js';

test('the committed schema is the one that the code makes (else: npm run schema)', async () => {
  expect(printedSchema(await createSchema())).toBe(await readFile('schema/schema.graphql', 'utf8'));
});
