import { ApiError, fromGraphQLErrors, messageOf } from './errors.js';

/** Errors of the way there, not of the request: the same request may succeed a moment later. */
const TRANSIENT_CODES = [
  'UNREACHABLE',
  'CONNECTION_LOST',
  'DATABASE_UNAVAILABLE',
  'TIMEOUT',
  'HTTP_429',
  'HTTP_502',
  'HTTP_503',
  'HTTP_504',
];
/** Errors after which the server has certainly not begun: safe to repeat for any request. */
const NOT_BEGUN = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH']);

export function mayRetry(error: unknown, idempotent: boolean): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.code === 'UNREACHABLE' || (idempotent && TRANSIENT_CODES.includes(error.code));
}

export interface Answer {
  status: number;
  text: string;
}

/** One HTTP exchange under a time limit. The body is always read to its end, so that no socket stays taken. */
export async function exchange(
  url: string,
  init: RequestInit,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Answer> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (limit.aborted) {
      throw new ApiError('TIMEOUT', `${url} gave no answer within ${timeoutMs / 1000} s`, { cause: error });
    }
    throw networkError(url, error);
  }
}

function networkError(url: string, error: unknown): ApiError {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const code = cause?.code ?? '';
  if (NOT_BEGUN.has(code) || code === 'ENOTFOUND') {
    return new ApiError('UNREACHABLE', `no server answers at ${new URL(url).origin} (${code})`, {
      cause: error,
    });
  }
  const detail = cause?.message || code || messageOf(error);
  return new ApiError('CONNECTION_LOST', `the connection to ${new URL(url).origin} broke: ${detail}`, {
    cause: error,
  });
}

/** What the server said of itself, when it did not say it in JSON. */
export function unexpected(answer: Answer, what: string): ApiError {
  const excerpt = answer.text.replace(/\s+/g, ' ').trim().slice(0, 200);
  return new ApiError(
    `HTTP_${answer.status}`,
    `${what}: HTTP ${answer.status}${excerpt ? `: ${excerpt}` : ''}`,
    {
      status: answer.status,
    },
  );
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The `data` of a GraphQL answer; its errors are thrown, whatever the HTTP status that they came with. */
export function graphQLData<T>(answer: Answer): T {
  const body = parseJson(answer.text) as { data?: T; errors?: unknown[] } | null | undefined;
  if (body?.errors?.length) {
    const error = fromGraphQLErrors(body.errors, answer.status);
    if ([429, 502, 503, 504].includes(answer.status) && !TRANSIENT_CODES.includes(error.code))
      throw unexpected(answer, 'the server is not ready');
    throw error;
  }
  if (answer.status >= 400 || body?.data == null) throw unexpected(answer, 'not a GraphQL answer');
  return body.data;
}
