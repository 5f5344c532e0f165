/**
 * Hints that something changed, over PostgreSQL's LISTEN/NOTIFY. A hint says "look again", never what: whoever waits
 * reads rows, and looks every 2 s even without a hint. So a hint that is lost costs 2 s, and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { Connection, KEEP_ALIVE } from './database/connection.js';
import { messageOf } from './error.js';
import type { Log } from './log.js';

const CHANNEL = 'shingo_hint';
export const TICK_MS = 2_000;
/** Hints for one key that come faster than this are one: a reader then finds several rows at once. */
const COALESCE_MS = 50;
const RECONNECT_MS = { first: 100, most: 5_000 };
/** So often the server is asked whether it is there: a connection that only listens would never learn that it is not. */
const ASK_MS = 5_000;
/** It says so at once, or is not there. */
const ANSWER_MS = 2_000;

/** Whoever waits for hints about one key or several. */
export interface Hints {
  /** True once its signal was aborted or the hub is closing: there is nothing to wait for any more. */
  readonly closed: boolean;
  /** Ends at the next hint (or one since the last wait), after `timeoutMs`, or when closed; never fails. */
  wait(timeoutMs?: number): Promise<void>;
  close(): void;
}

export interface Hub {
  /** Listen first, then read, then wait: nothing falls between. Closes itself when `signal` is aborted. */
  listen(topic: string, keys: string | readonly string[], signal?: AbortSignal): Hints;
  /**
   * Whoever is woken by the same hint asks the same question: it is asked once. Only questions that have not yet been
   * put are shared, so that no answer is older than the hint.
   */
  together<T>(question: string, ask: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Hints everyone who listens, in whatever process, if the caller's transaction commits. */
export async function hint(db: DataSource | EntityManager, topic: string, key: string): Promise<void> {
  await db.query('/* hub.hint */ SELECT pg_notify($1, $2)', [CHANNEL, `${topic}:${key}`]);
}

export function createHub(url: string, log: Log): Hub {
  return new PostgresHub(url, log);
}

/**
 * A generator that ends promptly: an async generator that waits cannot be returned from until its wait is over, so
 * `return` aborts the signal that it waits with.
 */
export function endable<T>(
  gone: AbortSignal,
  generate: (signal: AbortSignal) => AsyncGenerator<T, void>,
): AsyncIterableIterator<T, void> {
  const stop = new AbortController();
  const inner = generate(AbortSignal.any([gone, stop.signal]));
  const end = <R>(how: () => Promise<R>): Promise<R> => {
    stop.abort();
    return how();
  };
  return {
    next: () => inner.next(),
    return: () => end(() => inner.return()),
    throw: (error: unknown) => end(() => inner.throw(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Everyone who listens to one key, and when they were last woken. */
interface Listeners {
  all: Set<Listener>;
  lastWake: number;
  timer: NodeJS.Timeout | undefined;
}

class Listener implements Hints {
  closed = false;
  private hinted = false;
  private wake: (() => void) | undefined;

  constructor(private readonly forget: (listener: Listener) => void) {}

  hint(): void {
    this.hinted = true;
    this.wake?.();
  }

  async wait(timeoutMs = TICK_MS): Promise<void> {
    if (!this.hinted && !this.closed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = undefined;
    }
    this.hinted = false;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.forget(this);
    this.wake?.();
  }
}

class PostgresHub implements Hub {
  private readonly keys = new Map<string, Listeners>();
  private readonly unasked = new Map<string, Promise<unknown>>();
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;

  constructor(
    private readonly url: string,
    private readonly log: Log,
  ) {
    this.running = this.run();
  }

  listen(topic: string, keys: string | readonly string[], signal?: AbortSignal): Hints {
    const names = [keys].flat().map((key) => `${topic}:${key}`);
    const close = () => listener.close();
    const listener = new Listener((one) => {
      signal?.removeEventListener('abort', close);
      for (const name of names) this.forget(name, one);
    });
    for (const name of names) {
      const listeners = this.keys.get(name) ?? {
        all: new Set<Listener>(),
        lastWake: -Infinity,
        timer: undefined,
      };
      this.keys.set(name, listeners);
      listeners.all.add(listener);
    }
    if (signal?.aborted || this.closing.signal.aborted) listener.close();
    else signal?.addEventListener('abort', close, { once: true });
    return listener;
  }

  private forget(name: string, listener: Listener): void {
    const listeners = this.keys.get(name);
    listeners?.all.delete(listener);
    if (!listeners || listeners.all.size > 0) return;
    clearTimeout(listeners.timer);
    this.keys.delete(name);
  }

  together<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const waiting = this.unasked.get(question);
    if (waiting) return waiting as Promise<T>;
    const answer = new Promise((resolve) => setImmediate(resolve)).then(() => {
      this.unasked.delete(question);
      return ask();
    });
    this.unasked.set(question, answer);
    return answer;
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const { all } of [...this.keys.values()]) for (const listener of [...all]) listener.close();
    await this.running;
  }

  /** One connection for as long as it holds, then the next, with longer and longer waits between failures. */
  private async run(): Promise<void> {
    const { signal } = this.closing;
    for (let wait = RECONNECT_MS.first; !signal.aborted; wait = Math.min(wait * 2, RECONNECT_MS.most)) {
      try {
        await this.receive(() => (wait = RECONNECT_MS.first));
      } catch (error) {
        if (!signal.aborted) this.log.warn({ reason: messageOf(error) }, 'hints are lost; looking every 2 s');
      }
      if (!signal.aborted)
        await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }

  /** @throws what ended the connection */
  private async receive(connected: () => void): Promise<void> {
    const client = new Connection({
      connectionString: this.url,
      application_name: 'shingo hub',
      ...KEEP_ALIVE,
      connectionTimeoutMillis: 10_000,
      statement_timeout: ANSWER_MS,
    });
    const { signal } = this.closing;
    let closing = () => {};
    const ended = new Promise<never>((_, reject) => {
      client.on('error', reject);
      client.on('end', () => reject(new Error('the connection was closed')));
      closing = () => reject(new Error('closing'));
    });
    signal.addEventListener('abort', closing);
    ended.catch(() => undefined);
    client.on('notification', ({ payload }) => this.hinted(payload ?? ''));
    try {
      await Promise.race([client.connect(), ended]);
      await Promise.race([client.query(`/* hub.listen */ LISTEN ${CHANNEL}`), ended]);
      connected();
      // Hints may have been lost while there was no connection.
      for (const name of [...this.keys.keys()]) this.hinted(name);
      for (;;) {
        await Promise.race([sleep(ASK_MS, undefined, { signal }), ended]);
        await Promise.race([client.query('/* hub.ask */ SELECT 1'), ended]);
      }
    } finally {
      signal.removeEventListener('abort', closing);
      await client.end().catch(() => undefined);
    }
  }

  private hinted(name: string): void {
    const listeners = this.keys.get(name);
    if (!listeners || listeners.timer) return;
    const wake = () => {
      listeners.timer = undefined;
      listeners.lastWake = performance.now();
      for (const listener of [...listeners.all]) listener.hint();
    };
    const since = performance.now() - listeners.lastWake;
    if (since >= COALESCE_MS) wake();
    else listeners.timer = setTimeout(wake, COALESCE_MS - since);
  }
}
