/** MLflow's tracking server on the same PostgreSQL, asked over HTTP as its client asks. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/freePort.js';

export interface Mlflow {
  url: string;
  version: string;
  stop(): Promise<void>;
}

/** A minute: it migrates its database first. */
const STARTS_WITHIN_MS = 120_000;

/** Null where this Python has no MLflow. */
export async function startMlflow(python: string, databaseUrl: string): Promise<Mlflow | null> {
  const version = await output(python, ['-c', 'import mlflow; print(mlflow.__version__)']);
  if (version === null) return null;
  const port = await freePort();
  const store = databaseUrl.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:');
  const child = spawn(
    python,
    ['-m', 'mlflow', 'server', '--backend-store-uri', store, '--port', String(port), '--workers', '4'],
    // Its workers are children of its own: the whole group is ended.
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true' },
    },
  );
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4000)));
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await exit;
  };
  const until = Date.now() + STARTS_WITHIN_MS;
  while (!(await answers(`${url}/health`))) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`MLflow does not start: ${words}`);
    }
    await sleep(200);
  }
  return { url, version, stop };
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );

async function output(command: string, args: string[]): Promise<string | null> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  return code === 0 ? text.trim() : null;
}
