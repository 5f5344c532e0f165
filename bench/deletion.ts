/** An experiment of five million metric rows is purged while others read and log: what they feel, and what it takes. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newId } from '../src/platform/ids.js';
import { processes } from '../test/faults/processes.js';
import { quantile, type Benchmark } from './support/harness.js';
import { Poster } from './support/poster.js';
import { withDatabase } from './support/service.js';
import { serveProcess, shingoProcess } from './support/serviceProcess.js';

const SERIES = 10;
const BLOCK = 256;
const LIST = `query { experiments(projectId: "bench", first: 20, orderBy: [{ metric: { name: "loss0", split: TRAIN,
  which: LAST }, direction: ASC }]) { edges { node { name state lastSeq } } } }`;
const LOG =
  'mutation ($input: LogMetricsInput!) { logMetrics(input: $input) { lastSeq userErrors { code message } } }';

type Ask = <T>(query: string, variables?: object) => Promise<T>;

/** The big one, deleted, and others; rows as the service writes them. */
async function fill(db: pg.Client, rows: number, others: number): Promise<{ big: string; small: string[] }> {
  const [project, model] = [newId(), newId()];
  await db.query("INSERT INTO project (id, name) VALUES ($1, 'bench')", [project]);
  await db.query("INSERT INTO model (id, project_id, name) VALUES ($1, $2, 'm')", [model, project]);
  await db.query(
    `INSERT INTO metric_series (project_id, name, split) SELECT $1, 'loss' || n, 'TRAIN' FROM generate_series(0, ${SERIES - 1}) n`,
    [project],
  );
  const ids = Array.from({ length: others + 1 }, () => newId());
  for (const [n, id] of ids.entries()) {
    const events = n === 0 ? rows : 10_000;
    await db.query(
      `INSERT INTO experiment (id, project_id, model_id, name, algorithm, state, source, last_seq, deleted_at)
       VALUES ($1, $2, $3, $4, 'yolo', 'RUNNING', 'LOGGED', $5, $6)`,
      [id, project, model, `e${n}`, events, n === 0 ? new Date() : null],
    );
    await db.query(
      `INSERT INTO experiment_event (experiment_id, seq, kind, name, split, step, value, series_id)
       SELECT $1, n, 'METRIC', s.name, s.split, n / ${SERIES}, random(), s.id FROM generate_series(1, $3::int) n
       JOIN metric_series s ON s.project_id = $2 AND s.name = 'loss' || n % ${SERIES}`,
      [id, project, events],
    );
    await db.query(
      `INSERT INTO metric_block (experiment_id, series_id, block, first_seq, first_step, first_value, last_seq, last_step,
         last_value, low_step, high_step)
       SELECT $1, s.id, n, n, n, 1, n, n, 1, n, n FROM metric_series s, generate_series(0, $3::int / ${SERIES * BLOCK} - 1) n
       WHERE s.project_id = $2`,
      [id, project, events],
    );
    await db.query(
      `INSERT INTO experiment_metric (experiment_id, series_id, points, first_seq, last_seq, last_step, last_value, last_time)
       SELECT $1, id, $3::int / ${SERIES}, 1, $3::int, $3::int / ${SERIES}, random(), now() FROM metric_series WHERE project_id = $2`,
      [id, project, events],
    );
  }
  await db.query('VACUUM ANALYZE');
  return { big: ids[0]!, small: ids.slice(1) };
}

/** Resident, of the API, the worker and all that it starts. */
async function resident(pids: number[]): Promise<number> {
  const all = await processes();
  const family = new Set(pids);
  for (const { pid, parent } of all.sort((a, b) => a.pid - b.pid)) if (family.has(parent)) family.add(pid);
  let kilobytes = 0;
  for (const pid of family) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    kilobytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  }
  return kilobytes / 1024;
}

/** Each client reads a page and logs 100 values by turns, at an even pace, until `over`. */
async function others(
  ask: Ask[],
  experiments: string[],
  everyMs: number,
  over: () => boolean,
): Promise<number[]> {
  const taken: number[] = [];
  await Promise.all(
    ask.map(async (own, client) => {
      for (let n = 0; !over(); n++) {
        const start = performance.now();
        if (n % 2) await own(LIST);
        else {
          const points = Array.from({ length: 100 }, (_, step) => ({
            name: `loss${step % SERIES}`,
            split: 'TRAIN',
            step,
            value: 0.5,
          }));
          const input = { experimentId: `bench/${experiments[client]!}`, batchId: newId(), points };
          await own(LOG, { input });
        }
        const ms = performance.now() - start;
        taken.push(ms);
        await sleep(Math.max(0, everyMs - ms));
      }
    }),
  );
  return taken;
}

export const bench: Benchmark = {
  title: 'Purging an experiment of 5,000,000 metric rows beside clients that read and log',
  options: { rows: 5_000_000, clients: 4, every: 50, seconds: 30 },
  targets: {
    'p95 of others, during / before': { max: 2 },
    'resident memory grows by, MB': { max: 200 },
  },
  run: ({ rows = 5_000_000, clients = 4, every = 50, seconds = 30 }, say) =>
    withDatabase(async ({ url: databaseUrl, config, stops }) => {
      const db = new pg.Client({ connectionString: databaseUrl });
      await db.connect();
      stops.push(() => db.end());
      const filling = performance.now();
      const { big, small } = await fill(db, rows, clients);
      say(`${rows.toLocaleString('en')} rows made in ${Math.round((performance.now() - filling) / 1000)} s`);
      const { dataDir } = config;
      const api = await serveProcess(databaseUrl, { dataDir });
      stops.push(() => api.stop());
      const worker = await shingoProcess('work', databaseUrl, { dataDir });
      stops.push(() => worker.stop());
      const posters = Array.from({ length: clients + 1 }, () => new Poster());
      stops.push(async () => posters.forEach((poster) => poster.close()));
      const [ask, ...asks] = posters.map((poster): Ask => async (query, variables = {}) => {
        const body = Buffer.from(JSON.stringify({ query, variables }));
        const { data, errors } = (await poster.post(`${api.url}/graphql`, body)) as {
          data: Record<string, { userErrors?: unknown[] }>;
          errors?: unknown;
        };
        const problem = errors ?? Object.values(data).find(({ userErrors }) => userErrors?.length);
        if (problem) throw new Error(JSON.stringify(problem));
        return data as never;
      }) as [Ask, ...Ask[]];
      const names = small.map((_, n) => `e${n + 1}`);

      const untilTime = (ms: number) => {
        const end = performance.now() + ms;
        return () => performance.now() > end;
      };
      await others(asks, names, every, untilTime(5000));
      const before = await others(asks, names, every, untilTime(seconds * 1000));

      const idle = await resident([api.pid, worker.pid]);
      let over = false;
      let peak = 0;
      const watching = (async () => {
        while (!over) {
          peak = Math.max(peak, await resident([api.pid, worker.pid]));
          await sleep(200);
        }
      })();
      const began = performance.now();
      const { startPurge } = await ask<{ startPurge: { job: { id: string } } }>(
        'mutation { startPurge(input: { projectId: "bench", experimentIds: ["bench/e0"], idempotencyKey: "k" }) { job { id } userErrors { code message } } }',
      );
      const working = others(asks, names, every, () => over);
      let job: { state: string; report: { rows: { table: string; rows: number }[] } | null };
      do {
        await sleep(250);
        ({ job } = await ask<{ job: typeof job }>(
          'query ($id: ID!) { job(id: $id) { state report { ... on PurgeReport { rows { table rows } } } } }',
          { id: startPurge.job.id },
        ));
      } while (!['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(job.state));
      const took = (performance.now() - began) / 1000;
      over = true;
      const during = await working;
      await watching;
      const left = await db.query(
        `SELECT (SELECT count(*) FROM experiment_event WHERE experiment_id = $1)::int AS events,
           (SELECT count(*) FROM metric_block WHERE experiment_id = $1)::int AS blocks, (SELECT count(*) FROM experiment WHERE id = $1)::int AS one`,
        [big],
      );
      const purged = job.report?.rows.find(({ table }) => table === 'experiment_event')?.rows;
      if (
        job.state !== 'SUCCEEDED' ||
        purged !== rows ||
        Object.values(left.rows[0] as object).some((n) => n !== 0)
      )
        throw new Error(`${job.state}: ${JSON.stringify({ purged, left: left.rows[0] })}`);
      say(`nothing is left of it; ${before.length} requests of others before, ${during.length} during`);
      return {
        'purge, s': took,
        'rows/s': rows / took,
        'p95 of others before, ms': quantile(before, 0.95),
        'p95 of others during, ms': quantile(during, 0.95),
        'p95 of others, during / before': quantile(during, 0.95) / quantile(before, 0.95),
        'API and worker before, MB': idle,
        'resident memory grows by, MB': peak - idle,
      };
    }),
};
