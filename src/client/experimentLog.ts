/** A training that runs here and is recorded there: points are kept together, sent in order, and each once. */
import { randomUUID } from 'node:crypto';
import type { ShingoClient, Variables } from './api.js';
import type { Split } from './types.js';

export interface Where {
  split?: Split;
  condition?: string;
  class?: string;
  /** Of how many samples; an interval says its method as well. */
  n?: number;
  lower?: number;
  upper?: number;
  method?: string;
}

export type ParameterValue = number | string | boolean | number[] | string[] | null;

const MOST_POINTS = 1000;
const errors = 'userErrors { code message field }';
const mutation = (name: string, type: string) =>
  `mutation ($input: ${type}!) { ${name}(input: $input) { ${errors} } }`;
const CREATE = `mutation ($input: CreateExperimentInput!) {
  createExperiment(input: $input) { experiment { id } ${errors} } }`;

/** JSON has no NaN and no infinities. */
const real = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

export class ExperimentLog {
  readonly #client: ShingoClient;
  #points: Variables[] = [];
  /** The batch that is under way: the next one comes after it. */
  #sending: Promise<unknown> = Promise.resolve();

  constructor(
    client: ShingoClient,
    readonly experimentId: string,
  ) {
    this.#client = client;
  }

  /** @param input CreateExperimentInput; its name, or an idempotencyKey, makes a retry find what the first try made */
  static async create(client: ShingoClient, input: Variables): Promise<ExperimentLog> {
    const { experiment } = await client.mutate<{ experiment: { id: string } }>(CREATE, input, {
      idempotent: true,
    });
    return new ExperimentLog(client, experiment.id);
  }

  /** Waits only when a full batch is to be sent: what is not sent yet stays bounded. */
  async metric(name: string, step: number, value: number, where: Where = {}): Promise<void> {
    const time = new Date().toISOString();
    this.#points.push({ name, step, value: real(value), time, ...where });
    if (this.#points.length >= MOST_POINTS) await this.flush();
  }

  /** @throws ApiError when the service refuses, or is away for longer than the client tries */
  async flush(): Promise<void> {
    const points = this.#points;
    this.#points = [];
    if (points.length > 0) await this.#log('logMetrics', 'LogMetricsInput', { points });
    else await this.#sending;
  }

  parameters(values: Record<string, ParameterValue>): Promise<void> {
    const parameters = Object.entries(values).map(([name, value]) => ({ name, ...typed(value) }));
    return this.#log('logParameters', 'LogParametersInput', { parameters });
  }

  async finish(state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED' = 'SUCCEEDED', reason?: string): Promise<void> {
    await this.flush();
    await this.#log('finishExperiment', 'FinishExperimentInput', { state, reason });
  }

  async #log(name: string, type: string, content: Variables): Promise<void> {
    const input = { experimentId: this.experimentId, batchId: randomUUID(), ...content };
    // Every try of it sends the same batch id.
    const send = () => this.#client.mutate(mutation(name, type), input, { idempotent: true });
    const sent = this.#sending.then(send);
    this.#sending = sent.catch(() => undefined);
    await sent;
  }
}

function typed(value: ParameterValue): Variables {
  if (Array.isArray(value))
    return value.every((one) => typeof one === 'number') ? { numbers: value } : { texts: value };
  return value === null
    ? {}
    : { [{ string: 'text', boolean: 'boolean' }[typeof value as string] ?? 'number']: value };
}
