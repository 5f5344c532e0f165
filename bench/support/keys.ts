import { uuidOf } from '../../src/graphql/node.js';

/** Keys as SQL has them: of PLACE the UUID. */
export const fromGlobalKey = (by: string[], keys: (string | null)[]): (string | null)[] =>
  keys.map((key, index) => (key !== null && by[index] === 'PLACE' ? uuidOf('Place', key) : key));
