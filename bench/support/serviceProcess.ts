/** The API, or a worker, as a process of its own, on a database that is given: what a client measures is not what the service does beside it. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INHERITED } from '../../test/support/inherited.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface ServeOptions {
  /** Missing: a free one. */
  port?: number;
  /** Of Node, such as --expose-gc. */
  flags?: string[];
  /** Its blobs are there; missing: one of its own, which goes with it. */
  dataDir?: string;
  /** More settings. */
  env?: Record<string, string>;
}

export interface ServeProcess {
  /** Of an API. */
  url: string;
  /** Its exit code; null: a signal has ended it. */
  exit: Promise<number | null>;
  pid: number;
  stop(): Promise<void>;
  /** As a crash: nothing is closed, nobody is told. */
  kill(): Promise<void>;
}

export const serveProcess = (databaseUrl: string, options?: ServeOptions): Promise<ServeProcess> =>
  shingoProcess('serve', databaseUrl, options);

/** Once it is up. */
export async function shingoProcess(
  command: 'serve' | 'work',
  databaseUrl: string,
  { port = 0, flags = [], dataDir: given, env = {} }: ServeOptions = {},
): Promise<ServeProcess> {
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'shingo-bench-')));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...flags, MAIN, command], {
    env: {
      ...INHERITED,
      // As npm start and the Dockerfile run it.
      NODE_ENV: 'production',
      SHINGO_DATABASE_URL: databaseUrl,
      SHINGO_DATA_DIR: dataDir,
      SHINGO_PORT: String(port),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4000);
        const up = /Shingo's API is at (\S+)|Shingo works/.exec(output);
        if (up) resolve(up[1] ?? '');
      });
    void exit.then(() => reject(new Error(`The service ended: ${output}`)));
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exit;
    if (given === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  return { url, exit, pid: child.pid!, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
