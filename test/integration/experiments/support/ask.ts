/** Operations against the schema itself, with the statements that each sends. */
import { graphql, type GraphQLSchema } from 'graphql';
import type { World } from '../../../faults/world.js';

export interface Asked {
  data: any;
  /** Names, in their order. */
  statements: string[];
}

export async function ask(
  world: World,
  schema: GraphQLSchema,
  source: string,
  variableValues: object = {},
): Promise<Asked> {
  const context = world.context();
  const statements: string[] = [];
  const db = new Proxy(world.db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value;
      return (sql: string, parameters?: unknown[]) => {
        statements.push(/\/\* (\S+)/.exec(sql)?.[1] ?? sql);
        return target.query(sql, parameters);
      };
    },
  });
  const Loaders = context.load.constructor as new (...parameters: unknown[]) => typeof context.load;
  const contextValue = { ...context, db, load: new Loaders(db, true) };
  const answer = await graphql({ schema, source, variableValues: variableValues as never, contextValue });
  if (answer.errors) throw answer.errors[0] as Error;
  return { data: JSON.parse(JSON.stringify(answer.data)), statements };
}
