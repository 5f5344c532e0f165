import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { buildSchema, findBreakingChanges } from 'graphql';

import { SDL } from './support/sdl.js';

const file = path.join(import.meta.dirname, '../../../../schema/schema.graphql');
const withSchema = existsSync(file) ? test : test.skip;

/** Names of types need not agree, only what can be asked of them; so renamed types are looked at by their uses. */
withSchema('the service gives what the client asks for', () => {
  const changes = findBreakingChanges(buildSchema(SDL), buildSchema(readFileSync(file, 'utf8')));
  expect(changes.map(({ description }) => description)).toEqual([]);
});
