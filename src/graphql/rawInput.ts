import { createParameterDecorator, type ClassType } from 'type-graphql';

/**
 * `input` of a mutation as graphql-js has coerced it, and not made into objects of its classes, level by level: for
 * 1,000 metrics that takes as long again as all that is checked.
 */
export const RawInput = (type: () => ClassType): ParameterDecorator =>
  createParameterDecorator(({ args }) => (args as { input: unknown }).input, {
    arg: { name: 'input', typeFunc: type },
  }) as ParameterDecorator;
