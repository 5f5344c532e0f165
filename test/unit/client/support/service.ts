import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Root, startServer, type TestServer } from './server.js';
import { eventsOf, GOOD_STORY, type Story } from './story.js';

interface Row {
  sha256: string;
  fileName: string;
  weather?: string;
  timeOfDay?: string;
  boxes?: unknown[];
  place?: Record<string, string>;
}
interface UserError {
  code: string;
  message: string;
  field?: string[];
}

const CONDITIONS = [null, 'night', 'rain', 'sunny'];

/** A service in memory that keeps to the contract as far as the client looks. */
export class FakeService {
  readonly blobs = new Map<string, string>();
  readonly images = new Map<string, Row>();
  readonly places: Record<string, unknown>[] = [];
  readonly weathers = new Set<string>();
  readonly names = new Map<string, Set<string>>();
  readonly versions: unknown[] = [];
  readonly cancelled: string[] = [];
  leaks: unknown[] = [];
  readonly registered: Row[][] = [];
  readonly parameters: unknown[] = [];
  /** Refuses rows; by their index in the batch. */
  refuse: (row: Row, index: number) => UserError | undefined = () => undefined;
  refuseBlob: (body: Buffer) => { status: number; code: string; message: string } | undefined = () =>
    undefined;
  server!: TestServer;
  #cut = false;
  #ended = new Set<string>();

  constructor(readonly story: Story = GOOD_STORY) {}

  async start(): Promise<this> {
    this.server = await startServer({
      root: { ...this.#catalog(), ...this.#learning() },
      intercept: (request, response, body) => {
        const sha256 = /^\/blobs\/([0-9a-f]{64})$/.exec(request.url ?? '')?.[1];
        if (!sha256) return false;
        const refusal = this.refuseBlob(body);
        const wrong = createHash('sha256').update(body).digest('hex') !== sha256;
        if (refusal || wrong) {
          const { status, ...rest } = refusal ?? {
            status: 422,
            code: 'SHA256_MISMATCH',
            message: 'other bytes',
          };
          response.writeHead(status).end(JSON.stringify(rest));
          return true;
        }
        response.writeHead(this.blobs.has(sha256) ? 200 : 201).end();
        this.blobs.set(sha256, request.headers['content-type'] ?? '');
        return true;
      },
    });
    return this;
  }

  #named(kind: string, field: string): Root[string] {
    return ({ input }) => {
      const names = this.names.get(kind) ?? new Set<string>();
      this.names.set(kind, names);
      const name = input.name as string;
      if (names.has(name))
        return { userErrors: [{ code: 'NAME_TAKEN', message: `${name} is taken`, field: ['name'] }] };
      names.add(name);
      return { [field]: { id: `${kind}:${name}`, name }, userErrors: [] };
    };
  }

  #page(nodes: () => unknown[]): Root[string] {
    return ({ first, after }) => {
      const start = after ? Number(after) : 0;
      const end = start + (first as number);
      const all = nodes();
      return {
        nodes: all.slice(start, end),
        pageInfo: { hasNextPage: end < all.length, endCursor: String(end) },
      };
    };
  }

  #catalog(): Root {
    return {
      createProject: this.#named('project', 'project'),
      project: ({ id }) => ({ id: `project:${id as string}`, name: id }),
      places: this.#page(() => this.places),
      createPlace: ({ input }) => {
        const place = { ...input, id: `place:${this.places.length}`, name: '' };
        this.places.push(place);
        return { place, userErrors: [] };
      },
      createWeather: ({ input }) => {
        const key = JSON.stringify([input.placeId, input.startTime]);
        if (this.weathers.has(key)) return { userErrors: [{ code: 'WEATHER_OVERLAP', message: 'overlaps' }] };
        this.weathers.add(key);
        return { weather: { id: key }, userErrors: [] };
      },
      missingBlobs: ({ sha256 }) => (sha256 as string[]).filter((one) => !this.blobs.has(one)),
      registerImages: ({ input }) => this.#register(input.rows as Row[]),
      coverage: () => this.#coverage(),
    };
  }

  #register(rows: Row[]): unknown {
    const userErrors = rows.flatMap((row, index) => this.refuse(row, index) ?? []);
    if (userErrors.length > 0) return { userErrors };
    this.registered.push(rows);
    const before = this.images.size;
    for (const row of rows) this.images.set(row.sha256, row);
    const created = this.images.size - before;
    return { created, existing: rows.length - created, filled: 0, userErrors: [] };
  }

  #coverage(): unknown {
    const cells = new Map<string, { keys: unknown[]; images: number; lights: number }>();
    for (const { weather, timeOfDay, boxes } of this.images.values()) {
      const keys = [weather ?? null, timeOfDay ?? null];
      const cell = cells.get(JSON.stringify(keys)) ?? { keys, images: 0, lights: 0 };
      cell.images++;
      cell.lights += boxes?.length ?? 0;
      cells.set(JSON.stringify(keys), cell);
    }
    return { total: this.images.size, cells: [...cells.values()] };
  }

  #learning(): Root {
    const named = (kind: string) =>
      this.#page(() => [...(this.names.get(kind) ?? [])].map((name) => ({ id: `${kind}:${name}`, name })));
    return {
      datasets: named('dataset'),
      models: named('model'),
      createDataset: this.#named('dataset', 'dataset'),
      createModel: this.#named('model', 'model'),
      createDatasetVersion: () => this.#version(),
      leakReport: () => ({ leaks: this.leaks }),
      startTraining: ({ input }) => {
        this.parameters.push(input.parameters);
        return {
          job: this.#job('training', 'QUEUED'),
          experiment: this.#experiment(input.name as string),
          userErrors: [],
        };
      },
      experiment: ({ id }) => this.#experiment(String(id)),
      experimentEvents: ({ afterSeq }) => this.#events(afterSeq as number),
      jobs: () => this.#jobs(),
      job: ({ id }) => this.#job(String(id), this.#ended.has(String(id)) ? 'SUCCEEDED' : 'RUNNING'),
      startEvaluation: ({ input }) => {
        // Ends before anyone can have subscribed: the client has to find out.
        this.#ended.add(`job:${String(input.weights)}`);
        return {
          job: this.#job(`job:${String(input.weights)}`, 'QUEUED'),
          evaluation: { id: input.weights },
          userErrors: [],
        };
      },
      evaluation: ({ id }) => this.#evaluation(id === 'BEST' ? this.story.trained : this.story.untrained),
      collectNext: () => ({
        ranked: 18,
        proposals: [
          {
            rank: 1,
            cell: { keys: ['FOG', 'NIGHT'], images: 0, quality: { value: null, n: 0, lower: 0, upper: 1 } },
            sites: [{ place: { city: 'Fujisawa' }, hours: [{ hour: 23 }, { hour: 0 }] }],
          },
          {
            rank: 2,
            cell: {
              keys: ['PARTLY_CLOUDY', 'DAWN_DUSK'],
              images: 1234,
              quality: { value: 0.5, n: 1234, lower: 0.47, upper: 0.53 },
            },
            sites: [],
          },
        ],
      }),
      cancelJob: ({ input }) => {
        this.cancelled.push(input.jobId as string);
        return { userErrors: [] };
      },
    };
  }

  #version(): unknown {
    const dataset = { id: 'dataset:lights', name: 'lights' };
    const counts = CONDITIONS.flatMap((condition) =>
      ['TRAIN', 'VALIDATION', 'TEST'].map((split, index) => ({
        condition,
        split,
        images: 1234 - index,
        lights: 2345 + index,
      })),
    );
    const base = { dataset, dataId: 'sha256:0123abcd', seed: 1, imageCount: 3701, lightCount: 7038, counts };
    this.versions.push({ ...base, id: `version:${this.versions.length}`, version: this.versions.length + 1 });
    return { datasetVersion: this.versions.at(-1), userErrors: [] };
  }

  #experiment(name: string): unknown {
    return {
      id: name,
      name,
      algorithm: 'mobilenetv2',
      state: 'SUCCEEDED',
      engine: 'wasm',
      engineReason: `WebAssembly with SIMD; cuda passed over: ${'the addon does not load '.repeat(9)}`,
      bestEpoch: this.story.losses.length,
      epochsRun: this.story.losses.length,
      stoppedEarly: true,
      parameters: [
        { name: 'optimizer', text: 'Adam' },
        { name: 'epochs', number: 10 },
      ],
      artifacts: [
        {
          path: 'best/model.json',
          kind: 'MODEL',
          bytes: 48213,
          url: '/experiments/x/artifacts/best/model.json',
        },
      ],
    };
  }

  async *#events(afterSeq: number): AsyncGenerator {
    const events = eventsOf(this.story);
    if (this.story.hang) await sleep(60_000, undefined, { ref: false });
    for (const [index, event] of events.entries()) {
      const seq = index + 1;
      if (seq <= afterSeq) continue;
      yield { experimentEvents: { ...event, seq } };
      if (seq === this.story.cutAfter && !this.#cut) {
        this.#cut = true;
        setTimeout(() => this.server.terminateSockets(), 5);
        await sleep(60_000, undefined, { ref: false });
      }
    }
  }

  async *#jobs(): AsyncGenerator {
    const progress = {
      phase: 'TRAINING',
      epoch: 1,
      epochs: 3,
      done: 40,
      total: 100,
      imagesPerSecond: 58.3,
      secondsLeft: 42,
    };
    yield { jobs: this.#job('training', 'RUNNING', progress) };
    await sleep(60_000, undefined, { ref: false });
  }

  #job(id: string, state: string, progress: unknown = null): unknown {
    return { id, kind: 'TRAINING', state, reason: null, attempt: 1, maxAttempts: 3, progress };
  }

  #evaluation(accuracy: number): unknown {
    const n = 200;
    const correct = Math.round(accuracy * n);
    const confusion = [
      { actual: 'RED', predicted: 'RED', count: correct },
      { actual: 'RED', predicted: 'GREEN', count: n - correct },
    ];
    const score = {
      n,
      correct,
      accuracy,
      lower: accuracy - 0.05,
      upper: accuracy + 0.05,
      method: 'WILSON',
      confusion,
    };
    return {
      id: 'e',
      classes: ['RED', 'YELLOW', 'GREEN'],
      conditions: CONDITIONS.map((condition) => ({ ...score, condition })),
    };
  }
}
