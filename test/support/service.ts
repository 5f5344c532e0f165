/** The real service on a test database: real HTTP, real sockets, real queue; the worker only where it is asked for. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import type { FolderBlobs } from '../../src/platform/blobs/folder.js';
import { parseConfig } from '../../src/platform/config.js';
import { openServices, startApi, startWorker } from '../../src/service.js';
import type { Services } from '../../src/graphql/context.js';
import { createTestDatabase } from './database.js';

export interface GraphqlAnswer<T> {
  data: T;
  errors?: { message: string; path?: unknown[]; extensions: { code: string } }[];
}

export interface TestService {
  url: string;
  databaseUrl: string;
  db: DataSource;
  /** Blobs are in a folder, unless SHINGO_BLOB_URL says otherwise. */
  services: Services & { blobs: FolderBlobs };
  /** The whole answer, errors and all. */
  ask<T = any>(
    query: string,
    variables?: object,
    headers?: Record<string, string>,
  ): Promise<GraphqlAnswer<T>>;
  /** The data; fails on errors and on userErrors. */
  ok<T = any>(query: string, variables?: object): Promise<T>;
  put(bytes: Buffer, sha256?: string, mediaType?: string): Promise<Response>;
  stop(): Promise<void>;
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

export async function startTestService(
  options: { worker?: boolean; env?: Record<string, string> } = {},
): Promise<TestService> {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'shingo-data-'));
  const config = parseConfig({
    SHINGO_DATA_DIR: dataDir,
    SHINGO_PORT: '0',
    SHINGO_ENGINE: 'wasm',
    ...options.env,
  });
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const opened = await openServices(config, database.url, log, options.worker ? 'worker' : 'api');
  const services = opened as typeof opened & { blobs: FolderBlobs };
  const worker = options.worker ? startWorker(services, { engine: config.engine, name: 'test' }) : null;
  const api = await startApi(services);
  const post = (body: object, headers: Record<string, string> = {}) =>
    fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const service: TestService = {
    url: api.url,
    databaseUrl: database.url,
    db: services.db,
    services,
    ask: async (query, variables = {}, headers = {}) =>
      (await post({ query, variables }, headers)).json() as never,
    ok: async (query, variables = {}) => {
      const answer = await service.ask(query, variables);
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      for (const payload of Object.values(answer.data as Record<string, { userErrors?: unknown[] } | null>)) {
        if (payload?.userErrors && payload.userErrors.length > 0)
          throw new Error(JSON.stringify(payload.userErrors));
      }
      return answer.data as never;
    },
    put: (bytes, digest = sha256(bytes), mediaType = 'image/jpeg') =>
      fetch(`${api.url}/blobs/${digest}`, {
        method: 'PUT',
        body: new Uint8Array(bytes),
        headers: { 'content-type': mediaType },
      }),
    stop: async () => {
      await api.stop();
      await worker?.stop();
      await services.stop();
      await database.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return service;
}
