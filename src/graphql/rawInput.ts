import type { GraphQLSchema } from 'graphql';
import { Extensions, createParameterDecorator, type ClassType } from 'type-graphql';

const EXTENSION = 'rawInput';

interface Hidden {
  [EXTENSION]: unknown;
}

/**
 * `input` of a mutation as graphql-js has coerced it, and not made into objects of its classes, level by level: for
 * 1,000 metrics that takes as long again as all that is checked. See `hideRawInputs`.
 */
export function RawInput(type: () => ClassType): ParameterDecorator {
  const read = createParameterDecorator(({ args }) => (args as Hidden)[EXTENSION], {
    arg: { name: 'input', typeFunc: type },
  });
  return (prototype, key, index) => {
    Extensions({ [EXTENSION]: true })(prototype, key as string);
    read(prototype, key as string, index);
  };
}

/** type-graphql converts an argument also where it is not asked for what comes of it: it must not see it. */
export function hideRawInputs(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { resolve } = field;
    if (!field.extensions[EXTENSION] || !resolve) continue;
    field.resolve = (root, { input, ...args }, context, info) =>
      resolve(root, { ...args, [EXTENSION]: input } satisfies Hidden, context, info);
  }
}
