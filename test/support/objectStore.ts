/**
 * A bucket of a real S3 server for tests: the server that SHINGO_TEST_S3 names as SHINGO_BLOB_URL would
 * (`s3://bucket?endpoint=http://127.0.0.1:7070&forcePathStyle=true`, credentials in AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY), or one that is started from the program at SHINGO_TEST_S3_SERVER (`npm run setup:s3`).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import { newId } from '../../src/platform/ids.js';

const BUILT = resolve('.shingo/s3/versitygw');
const PROGRAM = process.env.SHINGO_TEST_S3_SERVER ?? (existsSync(BUILT) ? BUILT : undefined);

/** Why there is no S3 server to test against; null: there is one. */
export const NO_S3 =
  PROGRAM || process.env.SHINGO_TEST_S3 ? null : 'no S3 server here: npm run setup:s3, or SHINGO_TEST_S3';

/** Tests that need a server: run, or skipped with the reason in their names. */
export const describeS3 = (name: string, tests: () => void): void =>
  NO_S3 === null ? describe(name, tests) : describe.skip(`${name} (skipped: ${NO_S3})`, tests);

export interface ObjectStore {
  /** Of a prefix that is this test's own. */
  url: string;
  /** For processes that are started. */
  env: Record<string, string>;
  /** Null: somebody else runs the server, and it cannot be killed. */
  server: { kill(): Promise<void>; start(): Promise<void> } | null;
  stop(): Promise<void>;
}

const KEYS = { AWS_ACCESS_KEY_ID: 'shingo-tests', AWS_SECRET_ACCESS_KEY: 'shingo-tests-secret' };

export async function openObjectStore(): Promise<ObjectStore> {
  if (process.env.SHINGO_TEST_S3 !== undefined) {
    const url = new URL(process.env.SHINGO_TEST_S3);
    url.pathname += `/${newId()}`;
    return { url: url.href, env: {}, server: null, stop: async () => undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'shingo-s3-'));
  await mkdir(join(folder, 'data', 'blobs'), { recursive: true });
  await mkdir(join(folder, 'iam'));
  const port = await getPort();
  let server: ChildProcess | null = null;
  const start = async () => {
    server = spawn(
      PROGRAM as string,
      [
        '--port',
        `127.0.0.1:${port}`,
        '--iam-dir',
        join(folder, 'iam'),
        '--quiet',
        'posix',
        join(folder, 'data'),
      ],
      {
        stdio: 'ignore',
        env: {
          PATH: process.env.PATH,
          ROOT_ACCESS_KEY_ID: KEYS.AWS_ACCESS_KEY_ID,
          ROOT_SECRET_ACCESS_KEY: KEYS.AWS_SECRET_ACCESS_KEY,
        },
      },
    );
    for (const until = Date.now() + 15_000; !(await answers(port));) {
      if (server.exitCode !== null || Date.now() > until) throw new Error('The S3 server did not start.');
      await sleep(50);
    }
  };
  const kill = async () => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((ended) => server?.once('exit', ended));
    server.kill('SIGKILL');
    await gone;
  };
  await start();
  // The SDK takes them from the environment, as it does in a service.
  Object.assign(process.env, KEYS);
  return {
    url: `s3://blobs/${newId()}?endpoint=http://127.0.0.1:${port}&forcePathStyle=true&region=us-east-1`,
    env: KEYS,
    server: { kill, start },
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve_) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve_(true)));
    socket.once('error', () => resolve_(false));
  });
