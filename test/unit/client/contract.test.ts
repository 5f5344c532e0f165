import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { buildSchema, findBreakingChanges } from 'graphql';

import { SDL } from './support/sdl.js';

const file = path.join(import.meta.dirname, '../../../../schema/schema.graphql');
const withSchema = existsSync(file) ? test : test.skip;

/** All of the client's documents are run against SDL in the other tests; here SDL is held against the real schema. */
withSchema('the service gives what the client asks for', () => {
  const changes = findBreakingChanges(buildSchema(SDL), buildSchema(readFileSync(file, 'utf8')));
  expect(changes.map(({ description }) => description)).toEqual([]);
});
