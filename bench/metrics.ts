/** Logging metrics over HTTP, against a bare INSERT of the same rows, and against MLflow on the same PostgreSQL. */
import { quantile, type Benchmark } from './support/harness.js';
import {
  bareContender,
  logContender,
  mlflowContender,
  type MetricContender,
} from './support/metricContenders.js';
import { withDatabase } from './support/service.js';
import { serveProcess } from './support/serviceProcess.js';

interface Timed {
  seconds: number;
  milliseconds: number[];
}

/** Every client sends its batches one after the other, all clients at once. */
async function turn(
  contender: MetricContender,
  clients: number,
  from: number,
  batches: number,
): Promise<Timed> {
  await contender.prepare(from, batches);
  const milliseconds: number[] = [];
  const start = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let n = from; n < from + batches; n++) {
        const sent = performance.now();
        await contender.send(client, n);
        milliseconds.push(performance.now() - sent);
      }
    }),
  );
  return { seconds: (performance.now() - start) / 1000, milliseconds };
}

export const bench: Benchmark = {
  title: 'logMetrics over HTTP, against a bare multi-row INSERT of the same rows and against MLflow',
  options: { clients: 20, values: 1000, series: 10, batches: 5, rounds: 4, mlflow: 1 },
  targets: {
    'points / bare INSERT': { min: 0.6 },
    'series / bare INSERT': { min: 0.6 },
    'points / MLflow': { min: 10 },
  },
  run: ({ clients = 20, values = 1000, series = 10, batches = 5, rounds = 4, mlflow = 1 }, say) =>
    withDatabase(async ({ url: databaseUrl, stops }) => {
      const service = await serveProcess(databaseUrl);
      stops.push(() => service.stop());
      const shape = { clients, values, series, databaseUrl };
      const contenders = [
        await bareContender({ ...shape, form: 'values' }),
        await bareContender({ ...shape, form: 'unnest' }),
        await logContender({ ...shape, url: service.url, form: 'points', experiments: clients }),
        await logContender({ ...shape, url: service.url, form: 'series', experiments: clients }),
        await logContender({ ...shape, url: service.url, form: 'series', experiments: 1 }),
      ];
      const python = process.env.BENCH_MLFLOW_PYTHON ?? 'python3';
      const peer = mlflow ? await mlflowContender({ ...shape, python }) : null;
      if (peer) contenders.push(peer.contender);
      say(
        peer
          ? `MLflow ${peer.version}, its server with 4 workers`
          : `MLflow: absent: ${python} has none; BENCH_MLFLOW_PYTHON names one that has`,
      );
      stops.push(async () => {
        for (const contender of contenders) await contender.stop();
      });
      const taken = new Map(contenders.map((one): [string, Timed[]] => [one.name, []]));
      // By turns, so that whatever else the machine does happens to all; the first turn warms.
      for (let round = 0; round <= rounds; round++)
        for (const contender of contenders) {
          const few = contender.slow ? 1 : batches;
          const timed = await turn(contender, clients, round * few, few);
          if (round > 0) taken.get(contender.name)!.push(timed);
        }
      for (const contender of contenders) await contender.check();
      say(
        `${clients} clients, batches of ${values} values of ${series} series; every value is there once, and the sums are right`,
      );
      return figuresOf(taken, values);
    }),
};

function figuresOf(taken: Map<string, Timed[]>, values: number): Record<string, number> {
  const figures: Record<string, number> = {};
  const speeds = new Map<string, number>();
  for (const [name, turns] of taken) {
    const milliseconds = turns.flatMap((one) => one.milliseconds);
    const seconds = turns.reduce((sum, one) => sum + one.seconds, 0);
    const speed = (milliseconds.length * values) / seconds;
    speeds.set(name, speed);
    figures[`${name}, values/s`] = speed;
    figures[`${name}, p95 ms`] = quantile(milliseconds, 0.95);
  }
  const ratio = (a: string, b: string) => {
    const [mine, other] = [speeds.get(a), speeds.get(b)];
    if (mine !== undefined && other !== undefined) figures[`${a} / ${b}`] = mine / other;
  };
  for (const form of ['points', 'series', 'series, one experiment'])
    for (const other of ['bare INSERT', 'bare INSERT of unnest', 'MLflow']) ratio(form, other);
  return figures;
}
