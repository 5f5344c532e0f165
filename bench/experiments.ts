/** Pages of a hundred thousand experiments of 500 metrics each, against the SQL that MLflow asks; and a curve of a million points. */
import type { DataSource } from 'typeorm';
import type { Services } from '../src/graphql/context.js';
import { toGlobalId } from '../src/graphql/node.js';
import { fillCurve, type CurveOf } from './support/curveRows.js';
import { fillExperiments, type ExperimentProject } from './support/experimentRows.js';
import { FILTERS, ORDERS, type BenchFilter, type BenchOrder } from './support/experimentQuestions.js';
import { quantile, timed, type Benchmark } from './support/harness.js';
import { withService } from './support/service.js';

const PAGE = 50;

/** Three fields: two of the experiment, and the best of one metric under one condition. */
const PAGES = `query ($project: ID!, $where: ExperimentWhere, $orderBy: [ExperimentOrderBy!], $first: Int, $after: String, $last: Int) {
  experiments(projectId: $project, where: $where, orderBy: $orderBy, first: $first, after: $after, last: $last) {
    nodes { name state metricSummaries(names: ["accuracy"], conditions: ["night"]) { max } } pageInfo { endCursor } } }`;

interface PageAnswer {
  nodes: { name: string }[];
  pageInfo: { endCursor: string | null };
}

export const bench: Benchmark = {
  title: 'A page of 50 among the experiments by metrics, parameters and tags; a curve of a million points',
  options: { experiments: 100_000, metrics: 500, times: 3, points: 1_000_000 },
  targets: {
    'page p95 ms': { max: 100 },
    'page, largest kB': { max: 50 },
    'curve p95 ms': { max: 300 },
    'curve points': { max: 2000 },
  },
  run: async ({ experiments = 0, metrics = 0, times = 3, points = 0 }, say) =>
    withService(async ({ url, services }) => {
      const project = await fillExperiments(services.db, { experiments, metrics }, say);
      const curve = await fillCurve(services.db, project.uuid, points);
      return measure(new Reader(url, services, project), curve, times, say);
    }),
};

export async function measure(reader: Reader, curve: CurveOf, times: number, say: (line: string) => void) {
  return { ...(await everyPage(reader, times, say)), ...(await readCurve(reader, curve, say)) };
}

/** Over HTTP, as a client asks. */
export class Reader {
  constructor(
    private readonly url: string,
    private readonly services: Services,
    readonly project: ExperimentProject,
  ) {}

  get db(): DataSource {
    return this.services.db;
  }

  async ask<T>(query: string, variables: object): Promise<{ data: T; bytes: number; ms: number }> {
    const start = performance.now();
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const ms = performance.now() - start;
    const { data, errors } = JSON.parse(text) as { data: T; errors?: unknown };
    if (errors) throw new Error(JSON.stringify(errors));
    return { data, bytes: Buffer.byteLength(text), ms };
  }

  async page(filter: BenchFilter, order: BenchOrder, args: object = {}) {
    const where = filter.where(this.project.versions.map((uuid) => toGlobalId('DatasetVersion', uuid)));
    const variables = { project: this.project.name, where, orderBy: order.orderBy, first: PAGE, ...args };
    const { data, bytes, ms } = await this.ask<{ experiments: PageAnswer }>(PAGES, variables);
    return { ...data.experiments, bytes, ms };
  }

  /** The same page by MLflow's statement: a subquery a key, and one sort of all that is left. */
  async peer(filter: BenchFilter, order: BenchOrder): Promise<{ names: string[]; ms: number }> {
    const start = performance.now();
    const rows: { name: string }[] = await this.db.query(
      `/* bench.mlflow */ SELECT t.name FROM experiment t ${order.join}
       WHERE t.project_id = $1 AND ${filter.sql(this.project.versions)} ORDER BY ${order.sql} LIMIT ${PAGE}`,
      [this.project.uuid],
    );
    return { names: rows.map(({ name }) => name), ms: performance.now() - start };
  }
}

async function everyPage(reader: Reader, times: number, say: (line: string) => void) {
  const all: number[] = [];
  const ratios: number[] = [];
  let largest = 0;
  for (const filter of FILTERS)
    for (const order of ORDERS) {
      const first = await reader.page(filter, order);
      const taken: number[] = [];
      // Pages further on: after the first, and after one that is five pages on.
      const far = await reader.page(filter, order, { first: 5 * PAGE });
      for (const after of [null, first.pageInfo.endCursor, far.pageInfo.endCursor]) {
        for (let time = 0; time < times; time++) {
          const { ms, bytes } = await reader.page(filter, order, { after });
          taken.push(ms);
          largest = Math.max(largest, bytes);
        }
      }
      // The end of the list, where those without the metric are.
      for (let time = 0; time < times; time++)
        taken.push((await reader.page(filter, order, { first: null, last: PAGE })).ms);
      const peer = await reader.peer(filter, order);
      const again = await reader.peer(filter, order);
      const names = first.nodes.map(({ name }) => name);
      if (JSON.stringify(names) !== JSON.stringify(peer.names))
        throw new Error(
          `${filter.name} by ${order.name}: ${names.slice(0, 3).join()} is not ${peer.names.slice(0, 3).join()}`,
        );
      all.push(...taken);
      ratios.push(again.ms / quantile(taken, 0.5));
      say(
        `${filter.name} by ${order.name}: median ${quantile(taken, 0.5).toFixed(1)} ms, worst ${Math.max(...taken).toFixed(0)} ms; ` +
          `MLflow's statement ${again.ms.toFixed(0)} ms; ${names.length} rows`,
      );
    }
  return {
    'page p95 ms': quantile(all, 0.95),
    'page median ms': quantile(all, 0.5),
    'page, worst ms': Math.max(...all),
    'page, largest kB': largest / 1000,
    "MLflow's statement / page, median": quantile(ratios, 0.5),
  };
}

const CURVE = `query ($id: ID!, $n: Int!) { experiment(id: $id) { metrics(names: ["long"], maxPoints: $n) { step value } } }`;
const BEST = `query ($id: ID!) { experiment(id: $id) { bestStep(metric: {name: "long", split: TRAIN}, best: MAX,
  others: [{name: "other", split: TRAIN}]) { step metric { value } others { value } } } }`;

async function readCurve(reader: Reader, curve: CurveOf, say: (line: string) => void) {
  const id = toGlobalId('Experiment', curve.experimentUuid);
  type Curve = { experiment: { metrics: { step: number; value: number | string }[] } };
  const read = () => reader.ask<Curve>(CURVE, { id, n: 2000 });
  const { metrics } = (await read()).data.experiment;
  for (const [step, value] of curve.mustHave)
    if (!metrics.some((point) => point.step === step && point.value === value))
      throw new Error(`The curve has lost ${value} at step ${step}.`);
  const taken = await timed(20, read);
  const best = () => reader.ask<{ experiment: { bestStep: { step: number } } }>(BEST, { id });
  const { bestStep } = (await best()).data.experiment;
  if (bestStep.step !== curve.bestStep)
    throw new Error(`The best step is ${curve.bestStep}, not ${bestStep.step}.`);
  const bestTaken = await timed(20, best);
  say(`${metrics.length} of ${curve.points} points in ${quantile(taken, 0.5).toFixed(0)} ms`);
  return {
    'curve p95 ms': quantile(taken, 0.95),
    'curve points': metrics.length,
    'best step p95 ms': quantile(bestTaken, 0.95),
  };
}
