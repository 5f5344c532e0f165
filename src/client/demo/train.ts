import { randomUUID } from 'node:crypto';

import type { ShingoClient } from '../api.js';
import { describe, hasCode } from '../errors.js';
import { type Job, waitForJobs } from '../jobs.js';
import { findOne } from '../pages.js';
import { decimal, percent, plural, wrap } from '../terminal/format.js';
import type { Screen } from '../terminal/screen.js';
import { renderTable } from '../terminal/table.js';
import { real } from '../types.js';
import { type Curves, lossChart } from './curves.js';
import { EpochPrinter } from './epochs.js';
import type { DatasetVersion } from './extract.js';
import { DemoFailure, type Stage } from './options.js';
import { conditionsOf, interval } from './tables.js';

interface Parameter {
  name: string;
  number: number | null;
  text: string | null;
  boolean: boolean | null;
}
export interface Artifact {
  path: string;
  kind: string;
  bytes: number;
  url: string;
}
export interface Experiment {
  id: string;
  name: string;
  algorithm: string;
  state: string;
  engine: string | null;
  engineReason: string | null;
  bestEpoch: number | null;
  epochsRun: number | null;
  stoppedEarly: boolean | null;
  parameters: Parameter[];
  artifacts: Artifact[];
}

const EXPERIMENT_FIELDS = `id name algorithm state engine engineReason bestEpoch epochsRun stoppedEarly
  parameters { name number text boolean } artifacts { path kind bytes url }`;
const EXPERIMENT = `query Experiment($id: ID!) { experiment(id: $id) { ${EXPERIMENT_FIELDS} } }`;
const CREATE_MODEL = /* GraphQL */ `
  mutation CreateModel($input: CreateModelInput!) {
    createModel(input: $input) {
      model {
        id
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;
const START_TRAINING = `mutation StartTraining($input: StartTrainingInput!) {
  startTraining(input: $input) {
    job { id } experiment { ${EXPERIMENT_FIELDS} } userErrors { code message field }
  }
}`;
const MODEL = 'traffic-light-color';
const FIRST_RUN = 'first-training';

/** Act 3: train, and watch. */
export async function train(
  stage: Stage,
  version: DatasetVersion,
): Promise<{ experiment: Experiment; curves: Curves }> {
  const { client, screen, project, options } = stage;
  screen.heading('3 of 6 · Train');
  const modelId = await ensureModel(client, project.id);
  const started = await start(client, {
    datasetVersionId: version.id,
    modelId,
    parameters: { algorithm: 'mobilenetv2', optimizer: 'Adam', ...options.parameters },
    idempotencyKey: randomUUID(),
  });
  stage.underWay.add(started.job.id);
  screen.line(`  experiment ${screen.colors.bold(`${project.name}/${started.experiment.name}`)}`);
  printParameters(screen, started.experiment);
  const curves = await watch(stage, started.experiment, started.job.id);
  stage.underWay.delete(started.job.id);
  const { experiment } = await client.request<{ experiment: Experiment }>(EXPERIMENT, {
    id: started.experiment.id,
  });
  printOutcome(screen, experiment, curves);
  return { experiment, curves };
}

interface Started {
  job: { id: string };
  experiment: Experiment;
}

/** The first training of a project goes by a name that the README's examples can use; later ones by their time. */
async function start(client: ShingoClient, input: object): Promise<Started> {
  const named = (name: string) =>
    client.mutate<Started>(START_TRAINING, { ...input, name }, { idempotent: true });
  try {
    return await named(FIRST_RUN);
  } catch (error) {
    if (!hasCode(error, 'NAME_TAKEN')) throw error;
    return named(runName(new Date()));
  }
}

/** Says when it ran, and is new in every run. */
export function runName(now: Date): string {
  return `run-${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`;
}

async function ensureModel(client: ShingoClient, projectId: string): Promise<string> {
  try {
    const input = { projectId, name: MODEL, description: 'Which colour does a traffic light show?' };
    return (await client.mutate<{ model: { id: string } }>(CREATE_MODEL, input)).model.id;
  } catch (error) {
    if (!hasCode(error, 'NAME_TAKEN')) throw error;
    const accept = (model: { name: string }) => model.name === MODEL;
    const found = await findOne<{ id: string; name: string }>(client, 'models', projectId, 'id name', accept);
    if (!found) throw error;
    return found.id;
  }
}

const valueOf = (parameter: Parameter) =>
  String(parameter.number ?? parameter.text ?? parameter.boolean ?? '–');

function printParameters(screen: Screen, experiment: Experiment): void {
  const words = experiment.parameters.map((one) => `${one.name} ${screen.colors.bold(valueOf(one))}`);
  const perLine = 5;
  for (let at = 0; at < words.length; at += perLine) {
    screen.line(`  ${words.slice(at, at + perLine).join(' · ')}`);
  }
  screen.line();
}

/** Events tell what was learnt, the job tells how far it is: both are followed until the last event. */
async function watch(stage: Stage, experiment: Experiment, jobId: string): Promise<Curves> {
  const { client, screen, project, options } = stage;
  const epochs = experiment.parameters.find((one) => one.name === 'epochs')?.number ?? undefined;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const printer = new EpochPrinter(screen, epochs);
  const jobs = waitForJobs(client, project.id, [jobId], (job) => showProgress(screen, job), signal).catch(
    (error: unknown) => {
      // Without the bar the training goes on all the same; the events tell how it ends.
      if (!signal.aborted) screen.note(`progress is not shown: ${describe(error)}`);
    },
  );
  try {
    for await (const event of client.subscribeEvents(experiment.id, { signal: options.signal })) {
      printer.take(event);
      if (event.__typename === 'DoneEvent' && event.state !== 'SUCCEEDED') {
        stage.underWay.delete(jobId);
        throw failure('training', event.state, event.reason);
      }
    }
    printer.flush();
  } finally {
    stop.abort();
    await jobs;
    screen.progress.stop();
  }
  return printer.curves;
}

export function failure(
  what: string,
  state: string,
  reason: { code: string; message: string } | null,
): DemoFailure {
  const why = reason ? `${reason.code}: ${reason.message}` : 'no reason was given';
  return new DemoFailure(`${what} ended as ${state}: ${why}`);
}

export function showProgress(screen: Screen, job: Job): void {
  const { progress } = job;
  if (job.state !== 'RUNNING' || !progress?.total) return;
  const phase = progress.phase?.toLowerCase().replaceAll('_', ' ') ?? 'running';
  screen.progress.update({
    label: progress.epoch ? `epoch ${progress.epoch}/${progress.epochs ?? '?'}` : phase,
    done: progress.done ?? 0,
    total: progress.total,
    perSecond: progress.imagesPerSecond,
    secondsLeft: progress.secondsLeft,
  });
}

function printOutcome(screen: Screen, experiment: Experiment, curves: Curves): void {
  const { bold, yellow } = screen.colors;
  const chart = lossChart(curves, screen.colors);
  screen.line();
  if (chart) screen.block(chart);
  screen.line();
  printEngine(screen, experiment);
  const run = plural(experiment.epochsRun ?? curves.lastStep(), 'epoch');
  if (experiment.stoppedEarly)
    screen.line(yellow(`  stopped early after ${run}: the validation loss had stopped falling`));
  else screen.line(`  ran ${run}`);
  const best = experiment.bestEpoch;
  if (best) {
    const [loss, accuracy] = ['loss', 'accuracy'].map((name) => curves.get(name, 'VALIDATION', best));
    const score = bold(percent(accuracy));
    screen.line(`  best epoch ${best}: validation accuracy ${score}, validation loss ${decimal(loss)}`);
  }
  printConditions(screen, curves);
}

/** The reason names what was passed over and why: the first thing to read when training is slow. */
function printEngine(screen: Screen, { engine, engineReason }: Experiment): void {
  screen.line(`  engine ${screen.colors.bold(engine ?? '–')}`);
  for (const sentence of (engineReason ?? '').split('; '))
    for (const line of wrap(sentence, 94)) screen.note(`  ${line}`);
}

function printConditions(screen: Screen, curves: Curves): void {
  const metrics = curves.lastConditions();
  if (metrics.length === 0) return;
  const rows = conditionsOf(metrics).map((condition) => {
    const metric = metrics.find((one) => one.condition === condition)!;
    return [
      condition ?? 'all',
      String(metric.n ?? '–'),
      percent(metric.n ? real(metric.value) : null),
      interval(metric),
    ];
  });
  screen.line();
  screen.block(
    renderTable({ head: ['last epoch, validation', 'lights', 'accuracy', '95 % interval'], rows }),
  );
}
