/**
 * Which engines work on this machine. Each is tried in a process of its own: backends share one global registry,
 * and one that crashes must not take the asker along.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ENGINES, type EngineName } from '../protocol.js';

export interface Probe {
  engine: EngineName;
  works: boolean;
  /** What it runs on, or why it does not. */
  reason: string;
}

const PROBE = fileURLToPath(new URL('./probe.js', import.meta.url));
/** Loading libtensorflow from a cold disk takes some 10 s. */
const TIMEOUT_MS = 120_000;

/** One after the other, in the order in which `auto` tries them. */
export async function probeEngines(
  names: readonly EngineName[] = ENGINES,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const name of names) probes.push(await probe(name, environment));
  return probes;
}

function probe(engine: EngineName, env: NodeJS.ProcessEnv): Promise<Probe> {
  return new Promise((resolve) => {
    const child = fork(PROBE, [engine], { env, execArgv: [], stdio: 'ignore', timeout: TIMEOUT_MS });
    let answer: Probe | null = null;
    child.on('message', (message) => (answer = message as Probe));
    child.on('error', (error) => resolve({ engine, works: false, reason: error.message }));
    child.on('exit', (code, signal) => {
      const end = signal ? `signal ${signal}` : `exit code ${code}`;
      resolve(answer ?? { engine, works: false, reason: `its process ended with ${end}` });
    });
  });
}
