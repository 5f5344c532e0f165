/**
 * The environment, parsed once. A wrong value is refused with its name; the README's configuration table is
 * checked against this schema by a test.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { checkBlobUrl } from './blobs/url.js';
import { ShingoError } from './error.js';

export const DEFAULT_PORT = 4600;

/** Digits only: Number() would take a blank for 0, and 0x50 and 1e3 as well. */
const integer = (min: number, max: number) =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max));

const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);

const ENGINES = ['auto', 'cuda', 'native', 'webgpu', 'wasm', 'cpu'] as const;
/** Of a host. */
export const LABEL = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}$/;
const LABELS_WRONG =
  'must be at most 20 labels of 1 to 63 letters, digits and . _ : / -, with commas between';
const MOST_SLOTS = 64;

export interface Slots {
  engine: (typeof ENGINES)[number];
  /** Null: any. */
  device: string | null;
  count: number;
}

/** Null: none are named. */
function parseSlots(text: string, context: z.RefinementCtx): Slots[] | null {
  const slots = words(text).map((word) => {
    const [, engine, device = null, count = '1'] =
      /^([a-z]+)(?::([A-Za-z0-9-]{1,64}))?(?:=(\d{1,2}))?$/.exec(word) ?? [];
    return { engine: engine as Slots['engine'], device, count: Number(count) };
  });
  const wrong =
    slots.some(({ engine, count }) => !ENGINES.includes(engine) || count < 1) ||
    slots.reduce((sum, { count }) => sum + count, 0) > MOST_SLOTS;
  if (wrong)
    context.addIssue(
      `must be ENGINE=COUNT or ENGINE:DEVICE=COUNT with commas between, ${MOST_SLOTS} slots at most; engines are ${ENGINES.join(', ')}`,
    );
  return slots.length > 0 ? slots : null;
}

export const environmentSchema = z.object({
  SHINGO_DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user:password@host:port/database' })
    .optional()
    .describe(
      'Your own PostgreSQL (15 or newer, with the btree_gist and pg_trgm extensions). Unset: an embedded one.',
    ),
  SHINGO_DATABASE_POOL: integer(2, 200).default(10).describe('Connections that one process may open.'),
  SHINGO_DATA_DIR: z
    .string()
    .min(1)
    .default('.shingo')
    .describe('Embedded database, blobs and trainer scratch.'),
  SHINGO_BLOB_URL: z
    .string()
    .superRefine((text, context) => {
      try {
        checkBlobUrl(text);
      } catch (error) {
        // What Node says of a wrong URL repeats it.
        const said =
          error instanceof ShingoError
            ? error.message
            : 'must be s3://bucket/prefix, or the absolute path of a folder';
        context.addIssue({ code: 'custom', message: said });
      }
    })
    .optional()
    .describe(
      'Where pictures, models and other bytes are: s3://bucket/prefix?endpoint=…&region=…&forcePathStyle=true, or a folder that every host has. Unset: in the data folder.',
    ),
  SHINGO_BLOB_CACHE_BYTES: integer(2 ** 20, 2 ** 43)
    .default(10 * 2 ** 30)
    .describe('Room for copies of blobs of an S3 bucket on this host; those not used for longest go first.'),
  SHINGO_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to bind. Not loopback: needs API keys.'),
  SHINGO_PORT: integer(0, 65535).default(DEFAULT_PORT).describe('Port of the API; 0 takes a free one.'),
  SHINGO_API_KEYS: z
    .string()
    .default('')
    .transform(words)
    .refine((keys) => keys.every((key) => key.length >= 16), 'each key needs at least 16 characters')
    .describe('Comma-separated keys; clients send `Authorization: Bearer KEY`. Unset: no key is asked for.'),
  SHINGO_ENGINE: z
    .enum(ENGINES)
    .default('auto')
    .describe('Training engine of this worker; `auto` takes the first that works.'),
  SHINGO_SOFTWARE_GPU: z
    .enum(['0', '1'])
    .default('0')
    .describe('1: the engine webgpu, asked for by name, may run on a software adapter; for smoke tests.'),
  SHINGO_SLOTS: z
    .string()
    .default('')
    .transform(parseSlots)
    .describe(
      'Trainings that this worker does at a time, by engine and device, e.g. `cuda:0=1,cuda:1=1,wasm=2`. Unset: one, of SHINGO_ENGINE.',
    ),
  SHINGO_HOST_LABELS: z
    .string()
    .default('')
    .transform(words)
    .refine((labels) => labels.length <= 20 && labels.every((label) => LABEL.test(label)), LABELS_WRONG)
    .describe('Comma-separated labels of this host, e.g. `a100,tokyo`; a job may require some.'),
  SHINGO_TASK_SLOTS: integer(1, 64)
    .default(1)
    .describe('Imports, exports and other tasks that this worker does at a time, beside a training.'),
  SHINGO_RETRY_SECONDS: integer(0, 300)
    .default(2)
    .describe('Wait after the first crash of a job; it doubles with each, to 5 minutes at most.'),
  SHINGO_WORKER_NAME: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Name of this worker; default: host name and process id.'),
  SHINGO_MAX_UPLOAD_BYTES: integer(1024, 2 ** 31 - 1)
    .default(64 * 2 ** 20)
    .describe('Largest picture that PUT /blobs takes.'),
  SHINGO_MAX_FILE_BYTES: integer(1024, 2 ** 43)
    .default(20 * 2 ** 30)
    .describe('Largest file, such as an archive, that createUpload takes.'),
  SHINGO_MAX_OPEN_UPLOADS: integer(1, 1000)
    .default(16)
    .describe('Files that a project may have under way at a time.'),
  SHINGO_UPLOAD_HOURS: integer(1, 720)
    .default(24)
    .describe('How long a file may take to arrive; and, when it has, how long it waits to be used.'),
  SHINGO_COVERAGE_IMAGES: integer(1000, 100_000_000)
    .default(4_000_000)
    .describe('Images that coverage keeps in memory, over all projects; a million take about 200 MB.'),
  SHINGO_COVERAGE_BOXES: integer(1, 1_000_000_000)
    .default(20_000_000)
    .describe(
      'Boxes that coverage keeps in memory, over all projects, once a filter asks for them; a million take about 35 MB. Beyond it PostgreSQL is asked.',
    ),
  SHINGO_UPLOAD_KEY: z
    .string()
    .min(32)
    .optional()
    .describe('Secret that signs upload addresses. Unset: one of its own, kept in the data folder.'),
  SHINGO_THUMBNAIL_BYTES: integer(0, 2 ** 43)
    .default(2 ** 30)
    .describe('Room for thumbnails; those not used for longest go first.'),
  SHINGO_DECODED_BYTES: integer(0, 2 ** 43)
    .default(4 * 2 ** 30)
    .describe('Room for pictures that trainings have decoded; those not used for longest go first.'),
  SHINGO_NIGHTLY: z
    .enum(['on', 'off'])
    .default('on')
    .describe('off: the service clears nothing away by itself; see docs/retention.md.'),
  SHINGO_ORPHAN_GRACE_HOURS: integer(1, 8760)
    .default(24)
    .describe('Blobs that nothing refers to are removed when they are older.'),
  SHINGO_DRAIN_SECONDS: integer(1, 600).default(10).describe('Longest wait for work in progress on Ctrl-C.'),
  SHINGO_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severity that is logged.'),
});

export interface Config {
  databaseUrl: string | undefined;
  databasePool: number;
  dataDir: string;
  blobUrl: string | undefined;
  blobCacheBytes: number;
  host: string;
  port: number;
  apiKeys: string[];
  engine: (typeof ENGINES)[number];
  /** Null: one, of `engine`. */
  slots: Slots[] | null;
  hostLabels: string[];
  taskSlots: number;
  retrySeconds: number;
  workerName: string | undefined;
  maxUploadBytes: number;
  maxFileBytes: number;
  maxOpenUploads: number;
  uploadHours: number;
  coverage: { images: number; boxes: number };
  uploadKey: string | undefined;
  thumbnailBytes: number;
  decodedBytes: number;
  nightly: boolean;
  orphanGraceHours: number;
  drainSeconds: number;
  logLevel: string;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @throws ShingoError CONFIG_INVALID naming every variable that is wrong, never its value (it may be a secret). */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const unset = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => name.startsWith('SHINGO_') && value !== ''),
  );
  const known = new Set(Object.keys(environmentSchema.shape));
  const parsed = environmentSchema.safeParse(unset);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  for (const name of Object.keys(unset)) {
    if (!known.has(name) && name !== 'SHINGO_API_KEY' && name !== 'SHINGO_URL')
      problems.push(`${name}: no such setting`);
  }
  if (parsed.success && !isLoopback(parsed.data.SHINGO_HOST) && parsed.data.SHINGO_API_KEYS.length === 0) {
    problems.push('SHINGO_HOST: an address that others can reach needs SHINGO_API_KEYS to be set');
  }
  if (problems.length > 0 || !parsed.success) {
    throw new ShingoError('CONFIG_INVALID', `Wrong configuration:\n  ${problems.join('\n  ')}`);
  }
  const env = parsed.data;
  return {
    databaseUrl: env.SHINGO_DATABASE_URL,
    databasePool: env.SHINGO_DATABASE_POOL,
    dataDir: resolve(env.SHINGO_DATA_DIR),
    blobUrl: env.SHINGO_BLOB_URL,
    blobCacheBytes: env.SHINGO_BLOB_CACHE_BYTES,
    host: env.SHINGO_HOST,
    port: env.SHINGO_PORT,
    apiKeys: env.SHINGO_API_KEYS,
    engine: env.SHINGO_ENGINE,
    slots: env.SHINGO_SLOTS,
    hostLabels: env.SHINGO_HOST_LABELS,
    taskSlots: env.SHINGO_TASK_SLOTS,
    retrySeconds: env.SHINGO_RETRY_SECONDS,
    workerName: env.SHINGO_WORKER_NAME,
    maxUploadBytes: env.SHINGO_MAX_UPLOAD_BYTES,
    maxFileBytes: env.SHINGO_MAX_FILE_BYTES,
    maxOpenUploads: env.SHINGO_MAX_OPEN_UPLOADS,
    uploadHours: env.SHINGO_UPLOAD_HOURS,
    coverage: { images: env.SHINGO_COVERAGE_IMAGES, boxes: env.SHINGO_COVERAGE_BOXES },
    uploadKey: env.SHINGO_UPLOAD_KEY,
    thumbnailBytes: env.SHINGO_THUMBNAIL_BYTES,
    decodedBytes: env.SHINGO_DECODED_BYTES,
    nightly: env.SHINGO_NIGHTLY === 'on',
    orphanGraceHours: env.SHINGO_ORPHAN_GRACE_HOURS,
    drainSeconds: env.SHINGO_DRAIN_SECONDS,
    logLevel: env.SHINGO_LOG_LEVEL,
  };
}
