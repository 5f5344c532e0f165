/** How a fault leaves the service: a stable code and a sentence for the user, the details for our log. */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { translateDatabaseError } from '../platform/database/errors.js';
import { ShingoError } from '../platform/error.js';
import type { Log } from '../platform/log.js';
import { UserErrors } from './userError.js';

const SAFE = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** Errors of ours and of graphql-js keep their words; what nobody foresaw is INTERNAL and its words stay here. */
export function formatError(error: GraphQLError, log: Log): GraphQLFormattedError {
  const { message, locations, path } = error;
  const place = { ...(locations ? { locations } : {}), ...(path ? { path } : {}) };
  const cause = translateDatabaseError(error.originalError ?? null);
  if (cause instanceof ShingoError) {
    return {
      message: cause.message,
      ...place,
      extensions: { code: cause.code, ...(cause.field ? { field: cause.field } : {}) },
    };
  }
  if (cause instanceof UserErrors) {
    return {
      message: cause.message,
      ...place,
      extensions: { code: cause.errors[0]?.code ?? 'BAD_USER_INPUT' },
    };
  }
  const inner = error.originalError instanceof GraphQLError ? error.originalError.extensions.code : undefined;
  // Apollo gives every error of validation its own code; that of a limit says more.
  const code = inner ?? error.extensions.code;
  if (!error.originalError || error.originalError instanceof GraphQLError) {
    // graphql-js itself: syntax, validation, a variable of the wrong type.
    return { message, ...place, extensions: { code: code ?? 'GRAPHQL_VALIDATION_FAILED' } };
  }
  if (typeof code === 'string' && SAFE.has(code)) return { message, ...place, extensions: { code } };
  log.error({ err: error.originalError, path }, 'a resolver failed');
  return {
    message: 'Something went wrong in the service; its log says what.',
    ...place,
    extensions: { code: 'INTERNAL' },
  };
}
