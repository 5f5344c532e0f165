/** What came back, whatever way it came: the codes of it, and that none of them is INTERNAL. */
import { createClient, type SubscribePayload } from 'graphql-ws';
import type { GraphqlAnswer, TestService } from '../../../support/service.js';

export interface Coded {
  code: string;
  message: string;
  field?: string[] | null;
}

/** Every error of an answer: request errors, and the userErrors of its mutations. */
export function errorsOf(answer: Partial<GraphqlAnswer<unknown>>): Coded[] {
  const payloads = Object.values((answer.data ?? {}) as Record<string, { userErrors?: Coded[] } | null>);
  const coded = (answer.errors ?? []).map(({ message, extensions }) => ({
    message,
    code: extensions?.code ?? 'none',
  }));
  return [...coded, ...payloads.flatMap((payload) => payload?.userErrors ?? [])];
}

/** The code of the first error. Fails if there is none, one without a code, or one that we did not foresee. */
export function stableCode(answer: Partial<GraphqlAnswer<unknown>>): string {
  const codes = errorsOf(answer).map(({ code }) => code);
  expect(codes.length).toBeGreaterThan(0);
  for (const code of codes) {
    expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
    expect(code).not.toMatch(/^INTERNAL/);
  }
  return codes[0] as string;
}

export interface SocketOptions {
  connectionParams?: Record<string, unknown>;
}

/** One operation over a socket of its own: its first answer, or the reason the socket was closed for. */
export async function askSocket(
  { url }: TestService,
  payload: SubscribePayload,
  options: SocketOptions = {},
): Promise<GraphqlAnswer<any> & { closed?: { code: number; reason: string } }> {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    retryAttempts: 0,
    connectionParams: options.connectionParams ?? {},
    onNonLazyError: () => undefined,
  });
  try {
    return await new Promise((done) => {
      let first: GraphqlAnswer<any> | undefined;
      client.subscribe(payload, {
        next: (answer) => (first ??= answer as never),
        error: (error) => {
          if (Array.isArray(error)) done({ data: null, errors: error as never });
          else
            done({
              data: null,
              closed: { code: (error as CloseEvent).code, reason: (error as CloseEvent).reason },
            });
        },
        complete: () => done(first as never),
      });
    });
  } finally {
    await client.dispose();
  }
}
