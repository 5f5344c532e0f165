/** Workers in processes of their own, that can be stopped, continued and killed like a host. */
import { fork } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import type { WorkerOptions } from '../../src/jobs/index.js';
import type { Script } from './scriptedTrainer.js';
import { until, type World } from './world.js';

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
): Promise<WorkerProcess> {
  const trainer = await world.trainer(script);
  const given = { engine: 'cpu', name: 'process', host: 'host', trainer, ...options };
  const setup = JSON.stringify({ databaseUrl: world.databaseUrl, dataDir: world.dataDir, options: given });
  const child = fork(new URL('./workerProcess.js', import.meta.url), [setup], { execArgv: [], stdio: 'inherit' });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', () => reject(new Error('The worker did not start.')));
  });
  const pid = child.pid as number;
  return { pid, trainers: () => childrenOf(pid), kill: (signal) => child.kill(signal) };
}

async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== parent) continue;
    // Not what it starts to look at the system.
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('/trainers/')) found.push(Number(pid));
  }
  return found;
}

/** A process that nobody has waited for yet counts as gone. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

export const gone = (pids: number[], ms?: number): Promise<boolean> =>
  until(async () => !(await Promise.all(pids.map(isAlive))).includes(true), ms);
