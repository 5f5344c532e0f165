/** Processes that take training steps when told to, one an engine and one for Keras; between their turns they are idle. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Steps {
  /** Side of the square input, pixels. */
  size: number;
  batch: number;
  steps: number;
}
export interface Taken {
  /** One a step. */
  milliseconds: number[];
  /** Processor time of a step on all cores: what others on the machine take away does not count. */
  processor: number;
  /** Trainable ones: the same network has the same number. */
  weights: number;
}
export interface Contender {
  name: string;
  take(steps: Steps): Promise<Taken>;
  stop(): void;
}

const STEPS = fileURLToPath(new URL('./trainSteps.js', import.meta.url));
/** As in the sources: the compiler leaves Python where it is. */
const KERAS = fileURLToPath(new URL('../../../bench/support/kerasTrain.py', import.meta.url));

/** `native` without its graphs. */
export const BY_OPERATIONS = 'native by operations';

/** A process with this engine, which must work here, or `BY_OPERATIONS`. */
export function engineContender(name: string): Contender {
  const child = fork(STEPS, [name], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const answers = answersOf<Taken>(name, child, (receive) => child.on('message', receive));
  return {
    name,
    take: (steps) => answers.next(() => child.send(steps)),
    stop: () => void child.kill(),
  };
}

export interface Keras extends Contender {
  versions: { tensorflow: string; keras: string };
}

/** Null where this Python has no TensorFlow. */
export async function kerasContender(python: string): Promise<Keras | null> {
  const child = spawn(python, [KERAS], { stdio: 'pipe' });
  const answers = answersOf<Taken & Keras['versions']>('Keras', child, (receive) =>
    createInterface({ input: child.stdout }).on('line', (line) => receive(JSON.parse(line))),
  );
  try {
    const versions = await answers.next(() => undefined);
    return {
      name: 'Keras',
      versions,
      take: (steps) => answers.next(() => child.stdin.write(`${JSON.stringify(steps)}\n`)),
      stop: () => void child.kill(),
    };
  } catch {
    return null;
  }
}

/** One question at a time; a process that ends instead of answering fails it, with its last words. */
function answersOf<T>(
  name: string,
  child: ChildProcess,
  listen: (receive: (answer: unknown) => void) => void,
) {
  let waiting: { resolve(answer: T): void; reject(error: Error): void } | null = null;
  let words = '';
  let ended: Error | null = null;
  const end = (why: string) => {
    ended = new Error(`${name} ended: ${why} ${words.slice(-500)}`);
    waiting?.reject(ended);
  };
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
  child.on('error', (error) => end(error.message));
  child.on('exit', (code, signal) => end(String(signal ?? code)));
  listen((answer) => {
    waiting?.resolve(answer as T);
    waiting = null;
  });
  return {
    next: (ask: () => void) =>
      new Promise<T>((resolve, reject) => {
        if (ended) return reject(ended);
        waiting = { resolve, reject };
        ask();
      }),
  };
}
