/** Workers in processes of their own, that can be stopped, continued and killed like a host. */
import { fork } from 'node:child_process';
import type { WorkerOptions } from '../../src/jobs/index.js';
import type { Script } from './scriptedTrainer.js';
import { processes } from './processes.js';
import type { World } from './world.js';

export interface WorkerProcess {
  pid: number;
  /** Of the trainers that it has forked and that live. */
  trainers(): Promise<number[]>;
  kill(signal: NodeJS.Signals): void;
}

export async function startWorkerProcess(
  world: World,
  script: Script,
  options: Partial<WorkerOptions> = {},
  /** Of the process: what it is told of the world otherwise than the others, and of Node. */
  other: { databaseUrl?: string; execArgv?: string[]; env?: Record<string, string> } = {},
): Promise<WorkerProcess> {
  const trainer = await world.trainer(script);
  const given = { engine: 'cpu', name: 'process', host: 'host', trainer, ...options };
  const setup = JSON.stringify({
    databaseUrl: other.databaseUrl ?? world.databaseUrl,
    dataDir: world.dataDir,
    options: given,
  });
  const child = fork(new URL('./workerProcess.js', import.meta.url), [setup], {
    execArgv: other.execArgv ?? [],
    env: { ...process.env, ...other.env },
    stdio: 'inherit',
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', () => reject(new Error('The worker did not start.')));
  });
  const pid = child.pid as number;
  return { pid, trainers: () => trainersOf(pid), kill: (signal) => child.kill(signal) };
}

/** Not what it starts to look at the system. */
const trainersOf = async (worker: number): Promise<number[]> =>
  (await processes())
    .filter(({ parent, command }) => parent === worker && command.includes('/trainers/'))
    .map(({ pid }) => pid);
