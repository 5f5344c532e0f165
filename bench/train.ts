/** Training of MobileNetV2 α 0.35 on every engine that works here, against `cpu` and against Keras. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { probeEngines } from '../src/training/engines/present.js';
import type { EngineName } from '../src/training/protocol.js';
import {
  BY_OPERATIONS,
  engineContender,
  kerasContender,
  type Contender,
  type Steps,
} from './support/contenders.js';
import { quantile, type Benchmark } from './support/harness.js';
import type { Held } from './support/trainMemory.js';
import type { WaitingShares } from './support/trainWaiting.js';

const SIZES = [32, 64, 96];
/** Plain JavaScript takes seconds an image, the same for each whatever the batch. */
const CPU_BATCH = 3;

type Say = (line: string) => void;
/** Images a second by contender, one a round. */
type Rates = Map<string, number[]>;

interface Measured {
  rates: Rates;
  /** Processor milliseconds of a step, one a round. */
  processor: Rates;
}

async function contenders(say: Say): Promise<Contender[]> {
  const probes = await probeEngines();
  for (const { engine, works, reason } of probes) say(`${engine}: ${works ? reason : `absent: ${reason}`}`);
  const python = process.env.BENCH_PYTHON ?? 'python3';
  const keras = await kerasContender(python);
  say(
    keras
      ? `Keras ${keras.versions.keras} on TensorFlow ${keras.versions.tensorflow} (${python})`
      : `Keras: absent: ${python} has no TensorFlow; BENCH_PYTHON names one that has`,
  );
  const working = probes.filter(({ works }) => works).map(({ engine }) => engine);
  const names = working.includes('native') ? [...working, BY_OPERATIONS] : working;
  const engines = names.map((name) => engineContender(name));
  return keras ? [...engines, keras] : engines;
}

/** In turns, so that a machine that others use slows all alike. */
async function measure(
  all: readonly Contender[],
  { size, batch, steps }: Steps,
  rounds: number,
): Promise<Measured> {
  const rates: Rates = new Map();
  const processor: Rates = new Map();
  const weights = new Set<number>();
  for (let round = 0; round < rounds; round++)
    for (const contender of all) {
      const slow = contender.name === 'cpu';
      if (slow && round > 0) continue;
      const asked = slow ? { size, batch: CPU_BATCH, steps: 1 } : { size, batch, steps };
      const taken = await contender.take(asked);
      weights.add(taken.weights);
      const rate = (1000 * asked.batch) / quantile(taken.milliseconds, 0.5);
      rates.set(contender.name, [...(rates.get(contender.name) ?? []), rate]);
      processor.set(contender.name, [...(processor.get(contender.name) ?? []), taken.processor]);
    }
  if (weights.size !== 1)
    throw new Error(`These are different networks: ${[...weights].join(', ')} weights.`);
  return { rates, processor };
}

/** The median over rounds of the ratios of each round: what disturbs one round does not disturb the others. */
const ratio = (over: readonly number[], under: readonly number[]): number =>
  quantile(
    over.map((rate, round) => rate / under[Math.min(round, under.length - 1)]!),
    0.5,
  );

function figuresOf({ rates, processor }: Measured, size: number): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const [name, values] of rates) figures[`${name} ${size} px, images/s`] = quantile(values, 0.5);
  for (const under of ['cpu', 'Keras'])
    for (const [name, values] of rates)
      if (rates.has(under) && name !== under && !(under === 'Keras' && name === 'cpu'))
        figures[`${name} ${size} px, × ${under}`] = ratio(values, rates.get(under)!);
  const native = processor.get('native');
  const operations = rates.get(BY_OPERATIONS);
  if (operations) figures[`native ${size} px, × ${BY_OPERATIONS}`] = ratio(rates.get('native')!, operations);
  for (const other of ['Keras', BY_OPERATIONS]) {
    const theirs = processor.get(other);
    if (native && theirs) figures[`native ${size} px, × ${other} by processor time`] = ratio(theirs, native);
  }
  return figures;
}

/** What a module of bench/support says when it has run in a process of its own. */
async function answerOf<T>(module: string, args: string[]): Promise<T> {
  const file = fileURLToPath(new URL(`./support/${module}.js`, import.meta.url));
  const child = fork(file, args, {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`${module} ended with ${code}`)),
  );
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [T];
  return answer;
}

async function waiting(engine: EngineName, pictures: number): Promise<Record<string, number>> {
  const { first, again } = await answerOf<WaitingShares>('trainWaiting', [engine, String(pictures), '10']);
  return {
    [`${engine} waiting for pictures, share of a first training`]: first,
    [`${engine} waiting for pictures, share of a later one`]: again,
  };
}

/** Growth from the tenth epoch to the last: of tensors in number, of memory as a share. */
async function memory(engine: EngineName, epochs: number, say: Say): Promise<Record<string, number>> {
  const held = await answerOf<Held[]>('trainMemory', [engine, String(epochs)]);
  if (held.length !== epochs) throw new Error(`${engine} trained ${held.length} of ${epochs} epochs.`);
  const [early, late] = [held[Math.min(9, epochs - 1)]!, held.at(-1)!];
  const mb = (bytes: number) => Math.round(bytes / 2 ** 20);
  say(`${engine}: ${mb(early.rss)} MB after epoch 10, ${mb(late.rss)} MB after epoch ${epochs}`);
  return {
    [`${engine} tensors more after ${epochs} epochs than after 10`]: late.tensors - early.tensors,
    [`${engine} memory after ${epochs} epochs, × after 10`]: late.rss / early.rss,
  };
}

export const bench: Benchmark = {
  title: 'Training MobileNetV2 α 0.35 on every engine that works here, in turns, against cpu and Keras',
  options: { batch: 32, steps: 5, rounds: 5, epochs: 100, size: 0, pictures: 200 },
  targets: {
    ...Object.fromEntries(SIZES.map((size) => [`wasm ${size} px, × cpu`, { min: 20 }])),
    ...Object.fromEntries(SIZES.map((size) => [`native ${size} px, × Keras`, { min: 0.8 }])),
    'wasm waiting for pictures, share of a first training': { max: 0.1 },
    'wasm waiting for pictures, share of a later one': { max: 0.1 },
    'wasm tensors more after 100 epochs than after 10': { max: 0 },
    'wasm memory after 100 epochs, × after 10': { max: 1.1 },
  },
  run: async ({ batch = 32, steps = 5, rounds = 5, epochs = 100, size: only = 0, pictures = 200 }, say) => {
    const all = await contenders(say);
    const figures: Record<string, number> = {};
    try {
      for (const size of only ? [only] : SIZES) {
        const found = figuresOf(await measure(all, { size, batch, steps }, rounds), size);
        for (const [figure, value] of Object.entries(found)) say(`${figure}: ${value.toPrecision(4)}`);
        Object.assign(figures, found);
      }
    } finally {
      for (const contender of all) contender.stop();
    }
    for (const name of ['wasm', 'native'] as const)
      if (all.some((contender) => contender.name === name))
        Object.assign(figures, await memory(name, epochs, say), await waiting(name, pictures));
    return figures;
  },
};
