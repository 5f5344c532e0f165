import { type DocumentNode, OperationTypeNode, getOperationAST, parse } from 'graphql';
import type { Client } from 'graphql-ws';

import { blobOf, blobStored } from './blob.js';
import { ApiError, type UserError, fromUserErrors } from './errors.js';
import { exchange, graphQLData, mayRetry } from './http.js';
import { createLiveClient, resuming, subscribe } from './live.js';
import { REQUEST_POLICY, type RetryPolicy, SOCKET_POLICY, withRetries } from './retry.js';
import { EXPERIMENT_EVENTS, type ExperimentEvent } from './types.js';

export { ApiError } from './errors.js';

export interface ClientOptions {
  /** Where the service is; with or without /graphql at the end. */
  url: string;
  apiKey?: string;
  /** For one request; each try has its own. */
  timeoutMs?: number;
  requestPolicy?: RetryPolicy;
  socketPolicy?: RetryPolicy;
  /** Ends everything that this client has under way. */
  signal?: AbortSignal;
}

export interface RequestOptions {
  /** Queries are by nature; a mutation is where the caller knows that repeating it changes nothing. */
  idempotent?: boolean;
  timeoutMs?: number;
}

export type Variables = Record<string, unknown>;
const BLOB_TIMEOUT_MS = 300_000;

/** An ordinary GraphQL client of the service: HTTP for queries and mutations, one WebSocket for subscriptions. */
export class ShingoClient implements AsyncDisposable {
  /** Without /graphql and without a slash at the end. */
  readonly baseUrl: string;
  readonly #options: ClientOptions;
  #live: Client | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.baseUrl = baseUrlOf(options.url);
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  /** The `data` of a query or mutation; throws ApiError. */
  async request<T>(document: string, variables: Variables = {}, options: RequestOptions = {}): Promise<T> {
    const idempotent = options.idempotent ?? isQuery(document);
    const init = {
      method: 'POST',
      headers: { ...this.#authorization(), 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query: document, variables }),
    };
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
    return this.#try(idempotent, async () =>
      graphQLData<T>(await exchange(`${this.baseUrl}/graphql`, init, timeoutMs, this.signal)),
    );
  }

  /** The payload of a mutation with a single field; its `userErrors` are thrown as one ApiError. */
  async mutate<T extends object>(
    document: string,
    input: Variables,
    options: RequestOptions = {},
  ): Promise<T & { userErrors: UserError[] }> {
    const data = await this.request<Record<string, T & { userErrors: UserError[] }>>(
      document,
      { input },
      options,
    );
    const payload = Object.values(data)[0];
    if (!payload) throw new ApiError('BAD_RESPONSE', 'the mutation gave no payload');
    if (payload.userErrors?.length) throw fromUserErrors(payload.userErrors);
    return payload;
  }

  /** One subscription on the shared socket; a lost socket is thrown as CONNECTION_LOST. */
  subscribe<T>(
    document: string,
    variables: Variables = {},
    signal: AbortSignal | undefined = this.signal,
  ): AsyncGenerator<T, void> {
    const url = `${this.baseUrl.replace(/^http/, 'ws')}/graphql`;
    this.#live ??= createLiveClient(url, this.#options.apiKey);
    return subscribe<T>(this.#live, document, variables, signal);
  }

  /** A subscription that is opened anew after a lost socket, until `finished` says that it has had its last item. */
  resubscribe<T>(
    open: () => { document: string; variables: Variables },
    finished: () => boolean,
    signal: AbortSignal | undefined = this.signal,
  ): AsyncGenerator<T, void> {
    const start = () => {
      const { document, variables } = open();
      return this.subscribe<T>(document, variables, signal);
    };
    return resuming(start, finished, this.#options.socketPolicy ?? SOCKET_POLICY, signal);
  }

  /** Every event of an experiment, once and in order, up to its DoneEvent, however often the socket is lost. */
  async *subscribeEvents(
    experimentId: string,
    options: { afterSeq?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<ExperimentEvent, void> {
    let afterSeq = options.afterSeq ?? 0;
    let done = false;
    const events = this.resubscribe<{ experimentEvents: ExperimentEvent }>(
      () => ({ document: EXPERIMENT_EVENTS, variables: { id: experimentId, afterSeq } }),
      () => done,
      options.signal,
    );
    for await (const { experimentEvents: event } of events) {
      if (event.seq <= afterSeq) continue;
      afterSeq = event.seq;
      done = event.__typename === 'DoneEvent';
      yield event;
    }
  }

  /** Stores bytes under their hash; false when they were there already. A path is streamed from disk. */
  async putBlob(source: string | Uint8Array, sha256: string, mediaType: string): Promise<boolean> {
    const body = await blobOf(source, mediaType);
    const headers = { ...this.#authorization(), 'content-type': mediaType };
    const url = `${this.baseUrl}/blobs/${sha256}`;
    return this.#try(true, async () =>
      blobStored(await exchange(url, { method: 'PUT', headers, body }, BLOB_TIMEOUT_MS, this.signal), sha256),
    );
  }

  /** GET of a path on the service, its body not yet read. */
  fetch(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.baseUrl}${path}`, {
      headers: { ...this.#authorization(), ...headers },
      signal: this.signal,
    });
  }

  /** For what must still be said when the signal has ended everything else. */
  withoutSignal(): ShingoClient {
    return new ShingoClient({ ...this.#options, signal: undefined });
  }

  async close(): Promise<void> {
    const live = this.#live;
    this.#live = undefined;
    await live?.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #authorization(): Record<string, string> {
    return this.#options.apiKey ? { authorization: `Bearer ${this.#options.apiKey}` } : {};
  }

  #try<T>(idempotent: boolean, task: () => Promise<T>): Promise<T> {
    const policy = this.#options.requestPolicy ?? REQUEST_POLICY;
    return withRetries(task, (error) => mayRetry(error, idempotent), policy, this.signal);
  }
}

function baseUrlOf(text: string): string {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new ApiError('BAD_URL', `"${text}" is not the address of a service, such as http://localhost:4000`);
  }
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/graphql$/, '');
}

const operations = new Map<string, boolean>();

/** Parsed, not guessed from the first word: a document may begin with a fragment or a comment. */
function isQuery(document: string): boolean {
  let known = operations.get(document);
  if (known === undefined) {
    const parsed: DocumentNode = parse(document, { noLocation: true });
    known = getOperationAST(parsed)?.operation === OperationTypeNode.QUERY;
    operations.set(document, known);
  }
  return known;
}
