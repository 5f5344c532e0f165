/** Writes schema/schema.graphql anew from the code. */
import { writeFile } from 'node:fs/promises';
import { createSchema, printedSchema } from './schema.js';

await writeFile('schema/schema.graphql', printedSchema(await createSchema()));
