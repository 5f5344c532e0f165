/**
 * Starting a job once, however often it is asked for: the key and the request are in the job's row, and whoever
 * starts a job of a project holds the project's row, so that of 20 who race one makes the job and 19 find it.
 */
import { createHash } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { selectOne } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { hint } from '../../platform/hub.js';
import type { Queue } from '../../platform/queue.js';
import { enqueue } from '../change.js';
import { holdJob, type Hold } from '../graph/hold.js';
import { Job } from '../job.js';
import { checkQueued } from '../limits.js';
import { jobColumns, type JobOptionsInput } from '../options.js';
import { PROJECT_JOBS_TOPIC, type Engine, type TaskKind, type TrainerKind } from '../vocabulary.js';

export interface Request {
  projectUuid: string;
  key: string;
  hash: string;
}

/** @param content whatever makes two requests different; the order of its keys counts */
export function request(projectUuid: string, key: string, content: object): Request {
  if (key.length < 1 || key.length > 200 || key.includes('\0')) {
    throw new ShingoError('BAD_USER_INPUT', 'idempotencyKey has 1 to 200 characters.', 400, [
      'idempotencyKey',
    ]);
  }
  return { projectUuid, key, hash: createHash('sha256').update(JSON.stringify(content)).digest('hex') };
}

/** The job that an equal request has made, if any. @throws ShingoError CONFLICT */
export async function jobOfRequest<J extends Job = Job>(
  db: DataSource | EntityManager,
  wanted: Request,
): Promise<J | null> {
  const rows: { id: string; request_hash: string }[] = await db.query(
    '/* job.byKey */ SELECT id, request_hash FROM job WHERE project_id = $1 AND idempotency_key = $2',
    [wanted.projectUuid, wanted.key],
  );
  const [row] = rows;
  if (!row) return null;
  if (row.request_hash === wanted.hash) return (await selectOne(db, Job, row.id)) as J | null;
  const message = 'This idempotencyKey has started something else; take a new key for a new request.';
  throw new ShingoError('CONFLICT', message, 409, ['idempotencyKey']);
}

/** Runs `make` unless an equal request already has. @throws ShingoError CONFLICT, and what `make` throws */
export async function once<J extends Job = Job>(
  db: DataSource,
  wanted: Request,
  make: (manager: EntityManager) => Promise<J>,
): Promise<J> {
  return db.transaction(async (manager) => {
    await manager.query('/* job.starter */ SELECT 1 FROM project WHERE id = $1 FOR NO KEY UPDATE', [
      wanted.projectUuid,
    ]);
    return (await jobOfRequest<J>(manager, wanted)) ?? make(manager);
  });
}

/** Of the jobs that one request makes, the others: only the first has its key. */
export const withoutKey = ({ projectUuid }: Pick<Request, 'projectUuid'>) => ({
  projectUuid,
  key: null,
  hash: null,
});

export type NewJob = (
  | { kind: TrainerKind; experimentUuid: string; evaluationUuid: string | null; engine: Engine; input?: null }
  | { kind: TaskKind; experimentUuid?: null; evaluationUuid?: string | null; engine: Engine; input: object }
) & {
  /** It waits; missing: any worker may take it. */
  hold?: Hold | null;
  options?: JobOptionsInput | null;
};

/**
 * The row, and a nudge to whoever may take it, unless it waits. The caller holds the project.
 * @throws ShingoError BAD_USER_INPUT, QUEUE_FULL
 */
export async function insertJob<J extends Job = Job>(
  manager: EntityManager,
  queue: Queue,
  wanted: Request | ReturnType<typeof withoutKey>,
  job: NewJob,
): Promise<J> {
  const uuid = newId();
  const { engine, labels, priority, timeoutSeconds, maxAttempts } = jobColumns(
    job.kind,
    job.engine,
    job.options,
  );
  await checkQueued(manager, wanted.projectUuid);
  await manager.query(
    `/* job.create */ WITH head AS (UPDATE project SET job_seq = job_seq + 1 WHERE id = $2 RETURNING job_seq)
     INSERT INTO job (id, project_id, kind, experiment_id, evaluation_id, requested_engine, idempotency_key,
       request_hash, input, required_labels, priority, timeout_seconds, max_attempts, seq)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, head.job_seq FROM head`,
    [
      uuid,
      wanted.projectUuid,
      job.kind,
      job.experimentUuid,
      job.evaluationUuid,
      engine,
      wanted.key,
      wanted.hash,
      job.input && JSON.stringify(job.input),
      ...[labels, priority, timeoutSeconds, maxAttempts],
    ],
  );
  if (job.hold) await holdJob(manager, uuid, job.hold);
  else await enqueue(manager, queue, { uuid, kind: job.kind });
  await hint(manager, PROJECT_JOBS_TOPIC, wanted.projectUuid);
  return (await selectOne(manager, Job, uuid)) as J;
}
