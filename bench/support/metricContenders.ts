/** Ways to write the same metric rows: each says how it sends one batch of one client, and counts what arrived. */
import pg from 'pg';
import { Turns } from '../../src/platform/turns.js';
import { startMlflow } from './mlflow.js';
import { rowsOf, seriesOf, totalOf, type Row, type Total } from './metricRows.js';
import { Poster } from './poster.js';

export interface MetricContender {
  name: string;
  /** It gets one batch a turn. */
  slow?: boolean;
  /** Makes the bodies, which is no part of what is measured. */
  prepare(from: number, batches: number): Promise<void>;
  send(client: number, n: number): Promise<void>;
  /** @throws if a value is missing, doubled or another */
  check(): Promise<void>;
  stop(): Promise<void>;
}

interface Shape {
  clients: number;
  values: number;
  series: number;
  databaseUrl: string;
}

/** Bodies of a turn by client and batch, and what all of them should come to. */
class Bodies<T> {
  private readonly bodies = new Map<string, T>();
  readonly expected: Total = { rows: 0, sum: 0 };

  constructor(
    private readonly shape: Shape,
    private readonly seeds: number,
    private readonly make: (rows: Row[], client: number, n: number) => T,
  ) {}

  prepare(from: number, batches: number): void {
    this.bodies.clear();
    for (let client = 0; client < this.shape.clients; client++)
      for (let n = from; n < from + batches; n++) {
        const rows = rowsOf(n, this.shape.values, this.shape.series, this.seeds + client);
        const { rows: count, sum } = totalOf(rows);
        this.expected.rows += count;
        this.expected.sum += sum;
        this.bodies.set(`${client}/${n}`, this.make(rows, client, n));
      }
  }

  of(client: number, n: number): T {
    return this.bodies.get(`${client}/${n}`)!;
  }
}

function compare(name: string, found: Total & { distinct: number }, expected: Total): void {
  const right =
    found.rows === expected.rows && found.distinct === expected.rows && found.sum === expected.sum;
  if (!right) throw new Error(`${name}: ${JSON.stringify(found)} arrived of ${JSON.stringify(expected)}.`);
}

async function connected(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // Where another contender fails, what ends the bench is that failure.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const COUNT = 'count(*)::int AS rows, sum(value) AS sum';

type Ask = (query: string, variables: object) => Promise<Record<string, { experiment: { id: string } }>>;

async function newExperiments(url: string, project: string, count: number): Promise<string[]> {
  const poster = new Poster();
  const ask: Ask = async (query, variables) => {
    const body = Buffer.from(JSON.stringify({ query, variables }));
    const { data, errors } = (await poster.post(`${url}/graphql`, body)) as { data: never; errors?: unknown };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  await ask('mutation ($p: String!) { createProject(input: { name: $p }) { userErrors { code } } }', {
    p: project,
  });
  await ask(
    'mutation ($p: ID!) { createModel(input: { projectId: $p, name: "m" }) { userErrors { code } } }',
    {
      p: project,
    },
  );
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const { createExperiment } = await ask(
      `mutation ($m: ID!, $n: String!) { createExperiment(input: { modelId: $m, name: $n, task: LIGHT_DETECTION,
         algorithm: "yolo" }) { experiment { id } userErrors { message } } }`,
      { m: `${project}/m`, n: `e${n}` },
    );
    ids.push(createExperiment!.experiment.id);
  }
  poster.close();
  return ids;
}

const LOG =
  'mutation ($input: LogMetricsInput!) { logMetrics(input: $input) { firstSeq userErrors { code message } } }';

function inSeries(rows: Row[]): object[] {
  const series = new Map<string, { values: number[]; steps: number[] } & Partial<Row>>();
  for (const row of rows) {
    const { step, value, ...name } = row;
    const known = series.get(seriesOf(row)) ?? { ...name, values: [], steps: [] };
    known.values.push(value);
    known.steps.push(step);
    series.set(seriesOf(row), known);
  }
  return [...series.values()];
}

let made = 0;

export async function logContender(
  shape: Shape & { url: string; form: 'points' | 'series'; experiments: number },
): Promise<MetricContender> {
  const { url, form, experiments, clients, databaseUrl } = shape;
  const project = `bench-${++made}`;
  const ids = await newExperiments(url, project, experiments);
  const posters = Array.from({ length: clients }, () => new Poster());
  const bodies = new Bodies(shape, made * 1000, (rows, client, n) => {
    const of = { experimentId: ids[client % ids.length], batchId: `${client}/${n}` };
    // Two clients of one experiment are at other steps.
    const own =
      experiments < clients ? rows.map((row) => ({ ...row, step: row.step * clients + client })) : rows;
    const input = form === 'points' ? { ...of, points: own } : { ...of, series: inSeries(own) };
    return Buffer.from(JSON.stringify({ query: LOG, variables: { input } }));
  });
  return {
    name: experiments === 1 ? `${form}, one experiment` : form,
    prepare: async (from, batches) => bodies.prepare(from, batches),
    send: async (client, n) => {
      const answer = (await posters[client]!.post(`${url}/graphql`, bodies.of(client, n))) as {
        data?: { logMetrics: { firstSeq: number | null } };
      };
      if (!answer.data?.logMetrics.firstSeq) throw new Error(JSON.stringify(answer));
    },
    check: async () => {
      const db = await connected(databaseUrl);
      const events = `FROM experiment_event v JOIN experiment e ON e.id = v.experiment_id
        JOIN project p ON p.id = e.project_id WHERE p.name = '${project}' AND v.kind = 'METRIC'`;
      const { rows } = await db.query(
        `SELECT ${COUNT}, count(DISTINCT (v.experiment_id, v.series_id, v.step))::int AS distinct ${events}`,
      );
      compare(form, rows[0], bodies.expected);
      const gaps = await db.query(
        `SELECT e.id FROM experiment e JOIN project p ON p.id = e.project_id WHERE p.name = '${project}'
           AND (e.last_seq, e.last_seq) <> (SELECT count(*), max(seq) FROM experiment_event v WHERE v.experiment_id = e.id)`,
      );
      if (gaps.rows.length > 0) throw new Error(`${form}: the numbers of the log have gaps.`);
      const summed = await db.query(
        `SELECT sum(m.points)::int AS rows FROM experiment_metric m JOIN metric_series s ON s.id = m.series_id
         JOIN project p ON p.id = s.project_id WHERE p.name = '${project}'`,
      );
      if (summed.rows[0].rows !== bodies.expected.rows)
        throw new Error(`${form}: the summaries miss points.`);
      await db.end();
    },
    stop: async () => posters.forEach((poster) => poster.close()),
  };
}

/** The same rows, known in full beforehand, into a table of the same columns, indexes and check that the experiment is there. */
export async function bareContender(shape: Shape & { form: 'values' | 'unnest' }): Promise<MetricContender> {
  const { clients, databaseUrl, form } = shape;
  const table = `bare_${form}`;
  const name = form === 'values' ? 'bare INSERT' : 'bare INSERT of unnest';
  const admin = await connected(databaseUrl);
  await admin.query(`CREATE TABLE ${table} (LIKE experiment_event INCLUDING ALL)`);
  await admin.query(
    `CREATE TRIGGER ${table}_inserted AFTER INSERT ON ${table} REFERENCING NEW TABLE AS added
     FOR EACH STATEMENT EXECUTE FUNCTION experiment_event_of_experiment()`,
  );
  const project = await admin.query(
    `INSERT INTO project (id, name) VALUES (gen_random_uuid(), '${table}') RETURNING id`,
  );
  const model = await admin.query(
    `INSERT INTO model (id, project_id, name) VALUES (gen_random_uuid(), $1, 'm') RETURNING id`,
    [project.rows[0].id],
  );
  const experiments: string[] = [];
  for (let n = 0; n < clients; n++) {
    const experiment = await admin.query(
      `INSERT INTO experiment (id, project_id, model_id, name, algorithm, source)
       VALUES (gen_random_uuid(), $1, $2, 'e${n}', 'yolo', 'LOGGED') RETURNING id`,
      [project.rows[0].id, model.rows[0].id],
    );
    experiments.push(experiment.rows[0].id);
  }
  const connections = await Promise.all(Array.from({ length: clients }, () => connected(databaseUrl)));
  const numbers = new Map<string, number>();
  const number = (row: Row) => {
    const key = seriesOf(row);
    if (!numbers.has(key)) numbers.set(key, numbers.size + 1);
    return numbers.get(key)!;
  };
  const columns = 'experiment_id, seq, kind, name, split, condition, step, value, series_id';
  const bodies = new Bodies(shape, 7, (rows, client, n) => {
    const all = rows.map((row, index): unknown[] => [
      ...[experiments[client], n * shape.values + index + 1, 'METRIC', row.name, row.split, row.condition],
      ...[row.step, row.value, number(row)],
    ]);
    if (form === 'values') {
      const places = all.map(
        (row, at) => `(${row.map((_, column) => `$${at * row.length + column + 1}`).join(',')})`,
      );
      return { text: `INSERT INTO ${table} (${columns}) VALUES ${places.join(',')}`, values: all.flat() };
    }
    return {
      text: `INSERT INTO ${table} (${columns}) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[],
        $5::text[], $6::text[], $7::int[], $8::float8[], $9::int[])`,
      values: all[0]!.map((_, column) => all.map((row) => row[column])),
    };
  });
  return {
    name,
    prepare: async (from, batches) => bodies.prepare(from, batches),
    send: async (client, n) => void (await connections[client]!.query(bodies.of(client, n))),
    check: async () => {
      const { rows } = await admin.query(
        `SELECT ${COUNT}, count(DISTINCT (experiment_id, series_id, step))::int AS distinct FROM ${table}`,
      );
      compare(name, rows[0], bodies.expected);
    },
    stop: async () => {
      await Promise.all([...connections, admin].map((client) => client.end()));
    },
  };
}

/** Two for each worker of its server: with all 20 clients at once it does less a second. */
const MLFLOW_AT_A_TIME = 8;

export async function mlflowContender({
  python,
  ...shape
}: Shape & { python: string }): Promise<{ contender: MetricContender; version: string } | null> {
  const admin = await connected(shape.databaseUrl);
  await admin.query('CREATE DATABASE mlflow');
  await admin.end();
  const store = new URL(shape.databaseUrl);
  store.pathname = '/mlflow';
  const server = await startMlflow(python, store.href);
  if (!server) return null;
  const posters = Array.from({ length: shape.clients }, () => new Poster());
  const post = (client: number, path: string, body: Buffer) =>
    posters[client]!.post(`${server.url}/api/2.0/mlflow/${path}`, body) as Promise<{
      run: { info: { run_id: string } };
    }>;
  const runs: string[] = [];
  for (let client = 0; client < shape.clients; client++) {
    const { run } = await post(client, 'runs/create', Buffer.from('{"experiment_id": "0"}'));
    runs.push(run.info.run_id);
  }
  const turns = new Turns({ atATime: MLFLOW_AT_A_TIME, waiting: shape.clients });
  const bodies = new Bodies(shape, 3, (rows, client) =>
    Buffer.from(
      JSON.stringify({
        run_id: runs[client],
        // It has no condition: the name takes it.
        metrics: rows.map((row) => ({
          key: seriesOf(row),
          value: row.value,
          step: row.step,
          timestamp: 1_700_000_000_000,
        })),
      }),
    ),
  );
  return {
    version: server.version,
    contender: {
      name: 'MLflow',
      slow: true,
      prepare: async (from, batches) => bodies.prepare(from, batches),
      send: async (client, n) =>
        void (await turns.run(() => post(client, 'runs/log-batch', bodies.of(client, n)))),
      check: async () => {
        const db = await connected(store.href);
        const { rows } = await db.query(
          `SELECT ${COUNT}, count(DISTINCT (run_uuid, key, step))::int AS distinct FROM metrics`,
        );
        compare('MLflow', rows[0], bodies.expected);
        await db.end();
      },
      stop: async () => {
        posters.forEach((poster) => poster.close());
        await server.stop();
      },
    },
  };
}
