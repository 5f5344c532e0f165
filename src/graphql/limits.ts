/** What one operation may ask for: the same for HTTP and WebSocket, which passes Apollo's own guards by. */
import { createRequire } from 'node:module';
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  GraphQLError,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type ParseOptions,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type * as QueryComplexity from 'graphql-query-complexity';
import { messageOf } from '../platform/error.js';
import { DEFAULT_PAGE } from './list/list.js';

// Its ESM build imports graphql's .mjs files by name: a second copy of graphql, which refuses the first one's types.
const { fieldExtensionsEstimator, getComplexity } = createRequire(import.meta.url)(
  'graphql-query-complexity',
) as typeof QueryComplexity;

/** The largest query of the console and the examples has 400 tokens; introspection by GraphiQL 300. */
export const PARSE_OPTIONS: ParseOptions = { maxTokens: 5000 };
export const MAX_DEPTH = 12;
export const MAX_ALIASES = 50;
/** Fields that an operation may touch at most: a page of 500 images with their boxes has about 20,000. */
export const MAX_COMPLEXITY = 50_000;
export const MAX_BODY_BYTES = 16 * 2 ** 20;
export const MAX_SOCKET_MESSAGE_BYTES = 256 * 2 ** 10;
/** WebSockets and event streams of one process; an idle one takes about 40 kB. */
export const MAX_SOCKETS = 4000;
/** Of one key, or of one address where there are no keys. */
export const MAX_SOCKETS_PER_CALLER = 2000;
export const MAX_OPERATIONS_PER_SOCKET = 100;
/** What a stream may hold for a client that reads slowly; beyond it the next event is not read from the log. */
export const MAX_UNREAD_BYTES = 64 * 2 ** 10;
/** A client that takes nothing, and answers no ping, for so long is closed; its cursor brings it back. */
export const SILENCE_MS = 60_000;
/** Who opens a connection says within this what they want. */
export const GREETING_MS = 5_000;
/** The head of a request, and the body of an operation: who drips them is cut off. */
export const HEADERS_MS = 20_000;
export const BODY_MS = 60_000;

const tooComplex = (message: string) => new GraphQLError(message, { extensions: { code: 'TOO_COMPLEX' } });

/** Reported, not thrown: what a rule throws is a fault of the server to Apollo. */
const reporting = (message: string) => ({
  propagateOnRejection: false,
  onReject: [(context: ValidationContext | null) => context?.reportError(tooComplex(message))],
});

export const limitRules: ValidationRule[] = [
  maxDepthRule({
    n: MAX_DEPTH,
    ignoreIntrospection: true,
    ...reporting(`This operation is more than ${MAX_DEPTH} fields deep.`),
  }),
  maxAliasesRule({
    n: MAX_ALIASES,
    ...reporting(`This operation has more than ${MAX_ALIASES} aliases; send several operations.`),
  }),
];

/** A page counts as often as it has rows: `first`, `last`, or the default. */
const pageEstimator: QueryComplexity.ComplexityEstimator = ({ field, args, childComplexity }) => {
  const paged = field.args.some((argument) => argument.name === 'first');
  const rows = paged ? Math.max(1, Math.min(10_000, Number(args.first ?? args.last ?? DEFAULT_PAGE))) : 1;
  return 1 + rows * childComplexity;
};

/** @throws GraphQLError TOO_COMPLEX, BAD_USER_INPUT (the variables are not of their types) */
export function checkComplexity(
  schema: GraphQLSchema,
  query: DocumentNode,
  variables: Record<string, unknown> | null | undefined,
  operationName: string | null | undefined,
): void {
  const given = variables ?? {};
  const known = rememberedOf(query);
  const key = plainPart(given, operationName);
  let complexity = known.get(key);
  if (complexity === undefined) {
    complexity = complexityOf({
      schema,
      query,
      variables: given,
      ...(operationName ? { operationName } : {}),
      estimators: [fieldExtensionsEstimator(), pageEstimator],
    });
    if (known.size < MAX_REMEMBERED) known.set(key, complexity);
  }
  if (complexity <= MAX_COMPLEXITY) return;
  throw tooComplex(
    `This operation may touch ${complexity} fields; ${MAX_COMPLEXITY} are allowed. Ask for smaller pages or fewer fields.`,
  );
}

/**
 * Counting coerces all variables, as running does again: of a batch of 1,000 metrics that is 3.5 ms of 12. An operation
 * counts what it counted before with these page sizes and flags; whatever an input object holds, no field's rows hang
 * on it. Apollo keeps the documents that it has parsed.
 */
const remembered = new WeakMap<DocumentNode, Map<string, number>>();
const MAX_REMEMBERED = 100;

function rememberedOf(query: DocumentNode): Map<string, number> {
  let known = remembered.get(query);
  if (!known) remembered.set(query, (known = new Map<string, number>()));
  return known;
}

const plainPart = (variables: Record<string, unknown>, operationName: string | null | undefined): string =>
  JSON.stringify([
    operationName ?? null,
    Object.entries(variables).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? true : typeof value === 'string' ? '' : value,
    ]),
  ]);

function complexityOf(options: Parameters<typeof getComplexity>[0]): number {
  try {
    return getComplexity(options);
  } catch (error) {
    // It gives up at 10,000 nodes (fragments that double thirty times are a thousand million), and reads variables.
    const message = messageOf(error);
    if (message.includes('number of nodes')) throw tooComplex(`${message} Its fragments multiply.`);
    throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
  }
}

/** Parses and checks an operation as the HTTP side does, with its codes. Returns the document or the errors. */
export function checkOperation(
  schema: GraphQLSchema,
  text: string,
  variables: Record<string, unknown> | null | undefined,
  operationName: string | null | undefined,
): DocumentNode | readonly GraphQLError[] {
  try {
    const document = parse(text, PARSE_OPTIONS);
    const errors = validate(schema, document, [...specifiedRules, ...limitRules]);
    if (errors.length > 0) return errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED'));
    if (!getOperationAST(document, operationName)) {
      const message = 'Name one of the operations of the document in operationName.';
      return [coded(new GraphQLError(message), 'OPERATION_RESOLUTION_FAILURE')];
    }
    checkComplexity(schema, document, variables, operationName);
    return document;
  } catch (error) {
    // Whatever else throws is the parser.
    return [
      coded(error instanceof GraphQLError ? error : new GraphQLError(String(error)), 'GRAPHQL_PARSE_FAILED'),
    ];
  }
}

const coded = (error: GraphQLError, code: string): GraphQLError =>
  new GraphQLError(error.message, { ...error, extensions: { code, ...error.extensions } });
