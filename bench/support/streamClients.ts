/**
 * Many subscribers in a process of their own. Each checks that its rows come without gap or repetition, is cut off at
 * random, and comes back with its cursor. A row's value is the time it was written at.
 */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export const QUERY =
  'subscription ($id: ID!, $after: Int!) { experimentEvents(id: $id, afterSeq: $after) { ... on MetricEvent { seq value } ... on StatusEvent { seq } ... on LogEvent { seq } ... on DoneEvent { seq } } }';

export interface Crowd {
  url: string;
  ids: string[];
  /** Subscribers of each experiment. */
  each: number;
  /** Of them all, so many are clients of the graphql-ws library. */
  library: number;
  /** A client stays for a random time of this mean; 0: for ever. */
  stayMs: number;
}
export type Order = { start: Crowd } | { url: string } | { reset: true } | { report: number[] };
export interface Report {
  rows: number;
  wrong: number;
  /** Clients that have not had every row by then. */
  behind: number;
  cuts: number;
  /** Of rows that were written while their client was subscribed; and of all. */
  live: number[];
  all: number[];
}

const now = () => performance.timeOrigin + performance.now();
/** Milliseconds, the last for all that is longer. */
const histogram = () => new Array<number>(20_001).fill(0);
let live = histogram();
let all = histogram();
let rows = 0;
let wrong = 0;
let cuts = 0;
let crowd: Crowd;

class Subscriber {
  seq = 0;
  private since = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly experiment: number,
    private readonly open: (subscriber: Subscriber) => () => void,
  ) {
    this.connect();
  }

  readonly connect = (): void => {
    const cut = this.open(this);
    if (crowd.stayMs > 0)
      this.timer = setTimeout(
        () => {
          cuts++;
          cut();
        },
        crowd.stayMs * (0.5 + Math.random()),
      );
  };

  subscribed(): void {
    this.since = now();
  }

  closed(): void {
    clearTimeout(this.timer);
    this.since = Infinity;
    setTimeout(this.connect, 50 + Math.random() * 200);
  }

  row(seq: number, written: number | undefined): void {
    rows++;
    if (seq !== this.seq + 1) wrong++;
    this.seq = seq;
    if (written === undefined) return;
    const bucket = Math.min(20_000, Math.max(0, Math.round(now() - written)));
    all[bucket]!++;
    if (written > this.since) live[bucket]!++;
  }
}

/** Only as much of the protocol as it takes: a thousand of the library's clients would be what is measured. */
function lean(subscriber: Subscriber): () => void {
  const socket = new WebSocket(`${crowd.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  socket.on('error', () => undefined);
  socket.on('close', () => subscriber.closed());
  socket.on('open', () => socket.send('{"type":"connection_init"}'));
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString('latin1'));
    if (message.type === 'next') {
      const { seq, value } = message.payload.data.experimentEvents;
      subscriber.row(seq, value);
    } else if (message.type === 'connection_ack') {
      const variables = { id: crowd.ids[subscriber.experiment], after: subscriber.seq };
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: QUERY, variables } }));
      subscriber.subscribed();
    } else if (message.type === 'error') wrong++;
  });
  return () => socket.terminate();
}

function library(subscriber: Subscriber): () => void {
  const client = createClient({
    url: `${crowd.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    on: { connected: () => subscriber.subscribed() },
  });
  const variables = { id: crowd.ids[subscriber.experiment]!, after: subscriber.seq };
  client.subscribe<{ experimentEvents: { seq: number; value?: number } }>(
    { query: QUERY, variables },
    {
      next: ({ data, errors }) => {
        if (errors) wrong++;
        else subscriber.row(data!.experimentEvents.seq, data!.experimentEvents.value);
      },
      error: () => subscriber.closed(),
      complete: () => subscriber.closed(),
    },
  );
  return () => client.terminate();
}

const subscribers: Subscriber[] = [];

async function report(last: number[]): Promise<Report> {
  const behind = () => subscribers.filter(({ seq, experiment }) => seq < last[experiment]!).length;
  for (const end = Date.now() + 60_000; behind() > 0 && Date.now() < end;)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return { rows, wrong, behind: behind(), cuts, live, all };
}

process.on('message', (order: Order) => {
  if ('start' in order) {
    crowd = order.start;
    for (let index = 0; index < crowd.ids.length * crowd.each; index++)
      subscribers.push(new Subscriber(index % crowd.ids.length, index < crowd.library ? library : lean));
  } else if ('url' in order) crowd.url = order.url;
  else if ('reset' in order) {
    [live, all] = [histogram(), histogram()];
    rows = wrong = cuts = 0;
  } else void report(order.report).then((found) => process.send!(found));
});
process.on('disconnect', () => process.exit(0));
