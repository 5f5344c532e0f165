/** A thousand subscribers over fifty running experiments, whose service is killed under them. */
import 'reflect-metadata';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import type { NewMetric } from '../src/experiments/events/event.js';
import { appendEvents } from '../src/experiments/events/log.js';
import { uuidOf } from '../src/graphql/node.js';
import { parseConfig } from '../src/platform/config.js';
import { connectDatabase, migrateDatabase, openDatabase } from '../src/service.js';
import type { BareRows } from './support/bareBroadcast.js';
import { folderOfCluster } from './support/folder.js';
import type { Benchmark } from './support/harness.js';
import { heapAfterGc } from './support/heap.js';
import { serveProcess } from './support/serviceProcess.js';
import type { Crowd, Order, Report } from './support/streamClients.js';

const child = (name: string) =>
  fork(fileURLToPath(new URL(`support/${name}.js`, import.meta.url)), { execArgv: [] });
const now = () => performance.timeOrigin + performance.now();

/** The smallest bucket that so many of the counts lie in or below. */
function quantileOf(counts: readonly number[], p: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  return counts.findIndex((count) => (seen += count) >= p * total && total > 0);
}

/** Rows at an even pace, each experiment in its turn. `write` may still be at the last ones when the next are due. */
async function pace(
  seconds: number,
  { rate, batch, experiments }: { rate: number; batch: number; experiments: number },
  write: (experiment: number, rows: number) => Promise<unknown>,
): Promise<void> {
  const writes = Math.round((seconds * rate) / batch);
  const pending = new Map<number, Promise<unknown>>();
  const start = performance.now();
  for (let n = 0; n < writes; n++) {
    const wait = start + (n * batch * 1000) / rate - performance.now();
    if (wait > 1) await sleep(wait);
    const experiment = n % experiments;
    // The writes of one experiment are in order.
    await pending.get(experiment);
    pending.set(experiment, write(experiment, batch));
  }
  await Promise.all(pending.values());
}

class Clients {
  private readonly process = child('streamClients');

  tell(order: Order): void {
    this.process.send(order);
  }

  async report(last: readonly number[]): Promise<Report> {
    this.tell({ report: [...last] });
    const [report] = (await once(this.process, 'message')) as [Report];
    return report;
  }

  /** @throws if a row was lost or came twice */
  async checked(last: readonly number[], what: string): Promise<Report> {
    const report = await this.report(last);
    if (report.wrong > 0 || report.behind > 0)
      throw new Error(
        `${what}: ${report.wrong} rows out of order, ${report.behind} clients without their last row.`,
      );
    return report;
  }

  stop(): void {
    if (this.process.connected) this.process.disconnect();
  }
}

async function createExperiments(url: string, count: number): Promise<string[]> {
  const ask = async (query: string, variables = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as {
      data: { createExperiment: { experiment: { id: string } } };
      errors?: unknown;
    };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  await ask('mutation { createProject(input: { name: "live" }) { project { id } } }');
  await ask('mutation { createModel(input: { projectId: "live", name: "m" }) { model { id } } }');
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const input = { modelId: 'live/m', task: 'LIGHT_DETECTION', algorithm: 'bench', name: `e${n}` };
    const { createExperiment } = await ask(
      'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } userErrors { message } } }',
      { input },
    );
    ids.push(createExperiment.experiment.id);
  }
  return ids;
}

/** Writes as a trainer does. */
function writer(db: DataSource, ids: readonly string[], last: number[]) {
  const uuids = ids.map((id) => uuidOf('Experiment', id));
  return async (experiment: number, rows: number): Promise<void> => {
    const metric: NewMetric = {
      ...{ kind: 'METRIC', name: 'loss', split: 'TRAIN', condition: null, step: 1, value: now() },
      ...{ n: null, lower: null, upper: null, method: null },
    };
    await db.transaction((manager) =>
      appendEvents(manager, uuids[experiment]!, Array<NewMetric>(rows).fill(metric)),
    );
    last[experiment]! += rows;
  };
}

async function bare(
  crowd: Omit<Crowd, 'url'>,
  seconds: number,
  shape: { rate: number; batch: number },
): Promise<Report> {
  const server: ChildProcess = child('bareBroadcast');
  const [url] = (await once(server, 'message')) as [string];
  const clients = new Clients();
  try {
    clients.tell({ start: { ...crowd, url, library: 0, stayMs: 0 } });
    await sleep(3_000);
    const last = crowd.ids.map(() => 0);
    await pace(seconds, { ...shape, experiments: crowd.ids.length }, async (experiment, count) => {
      const id = crowd.ids[experiment]!;
      const rows = Array.from({ length: count }, () => ({ seq: ++last[experiment]!, value: now() }));
      server.send({ id, rows } satisfies BareRows);
    });
    return await clients.checked(last, 'bare');
  } finally {
    clients.stop();
    server.disconnect();
  }
}

export const bench: Benchmark = {
  title: 'Live rows to many subscribers, killed and cut off meanwhile, against a bare broadcast from memory',
  options: { subscribers: 1000, experiments: 50, rate: 1000, batch: 5, seconds: 20, stay: 10 },
  targets: {
    'write to client, p95 ms': { max: 150 },
    'lost or doubled': { max: 0 },
    'heap, end / start': { max: 1.1 },
  },
  async run({ subscribers = 1000, experiments = 50, rate = 1000, batch = 5, seconds = 20, stay = 10 }, say) {
    const dataDir = await folderOfCluster();
    const config = parseConfig({ SHINGO_DATA_DIR: dataDir });
    const log = pino({ level: 'silent' });
    const stops: (() => unknown)[] = [() => rm(dataDir, { recursive: true, force: true })];
    try {
      const database = await openDatabase(config, log);
      stops.push(() => database.stop());
      await migrateDatabase(config, database.url, log);
      const db = await connectDatabase(config, database.url, 'bench');
      stops.push(() => db.destroy());
      const [port, inspector] = [await getPort(), await getPort()];
      const serve = () => serveProcess(database.url, { port, flags: [`--inspect=127.0.0.1:${inspector}`] });
      let service = await serve();
      stops.push(() => service.stop());
      const ids = await createExperiments(service.url, experiments);
      const heads: { n: number }[] = await db.query(
        'SELECT last_seq::int AS n FROM experiment ORDER BY substr(name, 2)::int',
      );
      const last = heads.map(({ n }) => n);
      const crowd = { ids, each: Math.round(subscribers / experiments), library: 5, stayMs: stay * 1000 };
      const clients = new Clients();
      stops.push(() => clients.stop());
      const write = writer(db, ids, last);
      const shape = { rate, batch, experiments };
      clients.tell({ start: { ...crowd, url: service.url } });
      await pace(10, shape, write);
      await clients.checked(last, 'warm-up');
      clients.tell({ reset: true });
      const heapBefore = await heapAfterGc(inspector);
      say(`load before: ${loadavg()[0]!.toFixed(1)} on the machine`);
      await pace(seconds, shape, write);
      const steady = await clients.checked(last, 'steady');
      const heapAfter = await heapAfterGc(inspector);
      say(
        `${steady.rows} rows arrived, each in order and once; ${steady.cuts} clients were cut off meanwhile`,
      );
      clients.tell({ reset: true });
      const kills = async () => {
        for (let kill = 0; kill < 2; kill++) {
          await sleep((seconds * 1000) / 4);
          await service.kill();
          service = await serve();
        }
      };
      await Promise.all([pace(seconds, shape, write), kills()]);
      const killed = await clients.checked(last, 'killed');
      say(
        `killed twice: ${killed.rows} rows arrived, each in order and once; ${killed.cuts} clients were cut off`,
      );
      clients.stop();
      const peer = await bare(crowd, seconds, shape);
      say(`load after: ${loadavg()[0]!.toFixed(1)}`);
      return {
        'write to client, p50 ms': quantileOf(steady.live, 0.5),
        'write to client, p95 ms': quantileOf(steady.live, 0.95),
        'write to client, p99 ms': quantileOf(steady.live, 0.99),
        'with what cut-off clients missed, p95 ms': quantileOf(steady.all, 0.95),
        'bare broadcast, p95 ms': quantileOf(peer.live, 0.95),
        'p95 / bare broadcast': quantileOf(steady.live, 0.95) / Math.max(1, quantileOf(peer.live, 0.95)),
        'killed twice, p95 ms of live rows': quantileOf(killed.live, 0.95),
        'lost or doubled': steady.wrong + steady.behind + killed.wrong + killed.behind,
        'heap at the start, MB': heapBefore / 2 ** 20,
        'heap, end / start': heapAfter / heapBefore,
      };
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  },
};
