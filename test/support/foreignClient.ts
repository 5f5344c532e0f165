/** A plain graphql-ws client, as any dashboard would use it. */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface Subscription<T> {
  received: T[];
  /** Resolves when the predicate holds of what was received; rejects on an error, or if the stream ends first. */
  until(predicate: (received: T[]) => boolean): Promise<void>;
  /** Resolves when the server completes the stream. */
  completed: Promise<void>;
  /** Cuts the connection as a network does: no goodbye. */
  cut(): void;
  close(): Promise<void>;
}

export function subscribe<T>(
  url: string,
  query: string,
  variables: Record<string, unknown>,
): Subscription<T> {
  let socket: WebSocket | undefined;
  class Tapped extends WebSocket {
    override emit(event: string, ...rest: unknown[]): boolean {
      if (event === 'open') open(this);
      return super.emit(event, ...rest);
    }
  }
  const open = (opened: WebSocket) => (socket = opened);
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Tapped,
    retryAttempts: 0,
  });
  const received: T[] = [];
  const waiting = new Set<() => void>();
  let failure: unknown;
  let ended = false;
  const wake = () => waiting.forEach((check) => check());
  const completed = new Promise<void>((resolve) => {
    client.subscribe<T>(
      { query, variables },
      {
        next: ({ data, errors }) => {
          if (errors) failure = new Error(JSON.stringify(errors));
          else received.push(data as T);
          wake();
        },
        error: (error) => {
          failure = error;
          wake();
        },
        complete: () => {
          ended = true;
          resolve();
          wake();
        },
      },
    );
  });
  return {
    received,
    completed,
    until: (predicate) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (predicate(received)) resolve();
          else if (failure) reject(failure instanceof Error ? failure : new Error(JSON.stringify(failure)));
          else if (ended) reject(new Error(`the stream ended after ${received.length} events`));
          else return;
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    cut: () => socket?.terminate(),
    close: async () => {
      await client.dispose();
    },
  };
}
