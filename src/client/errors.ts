/** One refusal of a mutation's payload; `field` is the path in its input. */
export interface UserError {
  code: string;
  message: string;
  field?: string[] | null;
}

export interface ApiErrorDetails {
  path?: ReadonlyArray<string | number>;
  field?: string[] | null;
  /** HTTP status, where there was an answer. */
  status?: number;
  /** All refusals of the payload; the error itself speaks of the first. */
  userErrors?: UserError[];
  cause?: unknown;
}

/** Every way in which a call can fail, with a stable code to branch on. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly path?: ReadonlyArray<string | number>;
  readonly field?: string[] | null;
  readonly status?: number;
  readonly userErrors: UserError[];

  constructor(
    readonly code: string,
    message: string,
    details: ApiErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.path = details.path;
    this.field = details.field;
    this.status = details.status;
    this.userErrors = details.userErrors ?? [];
  }
}

interface WireError {
  message?: unknown;
  path?: ReadonlyArray<string | number>;
  extensions?: { code?: unknown };
}

/** GraphQL `errors` become one ApiError: the first names the code, the others are counted. */
export function fromGraphQLErrors(errors: readonly unknown[], status?: number): ApiError {
  const first = (errors[0] ?? {}) as WireError;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const message = typeof first.message === 'string' ? first.message : 'the server gave no message';
  const code = typeof first.extensions?.code === 'string' ? first.extensions.code : 'GRAPHQL_ERROR';
  return new ApiError(code, message + more, { path: first.path, status });
}

export function fromUserErrors(errors: UserError[]): ApiError {
  const first = errors[0]!;
  return new ApiError(first.code, first.message, { field: first.field, userErrors: errors });
}

export function hasCode(error: unknown, ...codes: string[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}

export function messageOf(error: unknown): string {
  // Not instanceof: an error may come from another realm (a test's VM, a worker).
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' && message ? message : String(error);
}

/** For people: the code, where there is one, before the message. */
export function describe(error: unknown): string {
  return error instanceof ApiError ? `${error.code}: ${error.message}` : messageOf(error);
}
