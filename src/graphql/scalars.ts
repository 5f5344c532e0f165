import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { GraphQLDateTime } from 'graphql-scalars';

export const DateTime = GraphQLDateTime;

const NOT_FINITE = new Map([NaN, Infinity, -Infinity].map((number) => [String(number), number]));

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  const notFinite = typeof value === 'string' ? NOT_FINITE.get(value) : undefined;
  if (notFinite !== undefined) return notFinite;
  throw new GraphQLError('A Real is a number, or "NaN", "Infinity" or "-Infinity".', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}

/** GraphQL's Float cannot carry NaN or infinities, which a loss may well be. */
export const Real = new GraphQLScalarType<number, number | string>({
  name: 'Real',
  description:
    'A Float that may also be "NaN", "Infinity" or "-Infinity" (as text: JSON has no such numbers).',
  serialize: (value) => {
    const number = toNumber(value);
    return Number.isFinite(number) ? number : String(number);
  },
  parseValue: toNumber,
  parseLiteral: (node) => {
    if (node.kind === Kind.INT || node.kind === Kind.FLOAT) return Number(node.value);
    return toNumber(node.kind === Kind.STRING ? node.value : undefined);
  },
});
