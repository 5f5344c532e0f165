/**
 * The one place where a job changes. Rows are locked in one order everywhere, so that no two changes wait for each
 * other: the job, its experiment, last the project, whose counter numbers the changes. That lock is held until
 * commit: whoever has seen change n has seen every change below it. Of other jobs, those that need this one or are of its
 * sweep, only such are touched then as nobody else holds: see graph/.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { columnsOf, hydrate } from '../graphql/select.js';
import { hint } from '../platform/hub.js';
import type { Queue } from '../platform/queue.js';
import { appendEvents, storable } from '../experiments/events/log.js';
import { setEvaluationState } from '../experiments/evaluationService.js';
import { setExperimentState } from '../experiments/experimentService.js';
import { afterJobEnded } from './graph/afterJobEnded.js';
import { Job } from './job.js';
import {
  JOB_TOPIC,
  JobKind,
  JobState,
  PROJECT_JOBS_TOPIC,
  isFinal,
  isTask,
  type Reason,
} from './vocabulary.js';

export const JOB_QUEUE = 'jobs';
/** Tasks have slots of their own: an import need not wait for a training of hours, nor the other way round. */
export const TASK_QUEUE = 'tasks';
export const queueOf = ({ kind }: Pick<Job, 'kind'>): string => (isTask(kind) ? TASK_QUEUE : JOB_QUEUE);

const { QUEUED, RUNNING, CANCELLING, SUCCEEDED, FAILED, CANCELLED } = JobState;
const NEXT: Record<JobState, readonly JobState[]> = {
  [QUEUED]: [RUNNING, CANCELLED],
  [RUNNING]: [QUEUED, CANCELLING, SUCCEEDED, FAILED],
  // A training that ends before it hears of the cancellation has succeeded.
  [CANCELLING]: [CANCELLED, SUCCEEDED],
  [SUCCEEDED]: [],
  // Asked for again: see retryJob.
  [FAILED]: [QUEUED],
  [CANCELLED]: [QUEUED],
};

export const mayBecome = (from: JobState, to: JobState): boolean => NEXT[from].includes(to);

/** The job, held until the caller's transaction ends; null if there is none. */
export async function lockJob(manager: EntityManager, uuid: string): Promise<Job | null> {
  const rows: Record<string, unknown>[] = await manager.query(
    `/* job.lock */ SELECT ${columnsOf(manager, Job)} FROM job t WHERE t.id = $1 FOR UPDATE`,
    [uuid],
  );
  return rows[0] ? hydrate(manager, Job, rows[0]) : null;
}

export interface Change {
  reason?: Reason | null;
  /** Whose it is now: RUNNING only. */
  taker?: { worker: string; host: string; device: string | null };
  /** The attempt that ends here counts against max_attempts. */
  crashed?: boolean;
  /** It ended with its worker. */
  lost?: boolean;
  /** QUEUED only: nobody takes it before so many seconds have passed. */
  afterSeconds?: number;
  /** Given up. */
  dead?: boolean;
  /** What the attempt said last. */
  lines?: readonly string[];
}

/** @param job as `lockJob` gave it in this transaction */
export async function changeJob(
  manager: EntityManager,
  job: Job,
  state: JobState,
  { reason = null, taker, crashed = false, lost = false, afterSeconds, dead = false, lines }: Change = {},
): Promise<Job> {
  if (!mayBecome(job.state, state)) throw new Error(`A job that is ${job.state} cannot become ${state}.`);
  await tellSubject(manager, job, state, reason);
  const again = isFinal(job.state);
  const [rows]: [Record<string, unknown>[]] = await manager.query(
    `/* job.change */ WITH head AS (UPDATE project SET job_seq = job_seq + 1 WHERE id = $2 RETURNING job_seq)
     UPDATE job t SET seq = head.job_seq, state = $3, reason_code = $4, reason_message = $5,
       attempt = attempt + ($3::text = 'RUNNING')::int,
       crashes = CASE WHEN $13 THEN 0 ELSE crashes + $7::boolean::int END,
       losses = CASE WHEN $13 THEN 0 ELSE losses + $9::boolean::int END,
       worker = CASE $3 WHEN 'RUNNING' THEN $6 WHEN 'QUEUED' THEN NULL ELSE worker END,
       host = CASE $3 WHEN 'RUNNING' THEN $14 WHEN 'QUEUED' THEN NULL ELSE host END,
       device = CASE $3 WHEN 'RUNNING' THEN $15 WHEN 'QUEUED' THEN NULL ELSE device END,
       ran_seconds = CASE WHEN $13 THEN 0 WHEN $3 IN ('RUNNING', 'CANCELLING') THEN ran_seconds
         ELSE ran_seconds + coalesce(greatest(0, extract(epoch FROM clock_timestamp() - running_since)), 0) END,
       running_since = CASE $3 WHEN 'RUNNING' THEN clock_timestamp() WHEN 'CANCELLING' THEN running_since END,
       not_before = clock_timestamp() + make_interval(secs => $10),
       queued_at = CASE WHEN $13 THEN clock_timestamp() ELSE queued_at END,
       dead = $11, last_lines = coalesce($12, last_lines), expected_end = NULL,
       heartbeat_at = CASE $3 WHEN 'RUNNING' THEN clock_timestamp() WHEN 'CANCELLING' THEN heartbeat_at END,
       started_at = CASE $3 WHEN 'RUNNING' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
       finished_at = CASE WHEN $8 THEN clock_timestamp() END, held = false, images_per_second = NULL, seconds_left = NULL
     FROM head WHERE t.id = $1 RETURNING ${columnsOf(manager, Job)}`,
    [
      job.uuid,
      job.projectUuid,
      state,
      reason?.code,
      reason && storable(reason.message),
      taker?.worker,
      crashed,
      isFinal(state),
      ...[lost, state === QUEUED ? afterSeconds : null, dead, lines?.map(storable), again],
      ...[taker?.host, taker?.device],
    ],
  );
  await hint(manager, PROJECT_JOBS_TOPIC, job.projectUuid);
  if (state === CANCELLING) await hint(manager, JOB_TOPIC, job.uuid);
  const changed = hydrate(manager, Job, rows[0] as Record<string, unknown>);
  if (isFinal(state)) await afterJobEnded(manager, changed, { changeJob, enqueue });
  return changed;
}

/** A training's log tells of it; that of its experiment is none of an evaluation's. */
async function tellSubject(
  manager: EntityManager,
  job: Job,
  state: JobState,
  reason: Reason | null,
): Promise<void> {
  if (job.kind === JobKind.TRAINING && job.experimentUuid) {
    // A log that has ended takes nothing; a training that is to go on opens it again.
    if (isFinal(job.state)) await setExperimentState(manager, job.experimentUuid, state);
    await appendEvents(manager, job.experimentUuid, [
      { kind: isFinal(state) ? 'DONE' : 'STATUS', state, reason },
    ]);
    await setExperimentState(manager, job.experimentUuid, state);
  } else if (job.evaluationUuid) {
    await setEvaluationState(manager, job.evaluationUuid, state);
  }
}

/** Back to the queue; takers are nudged when the transaction commits. */
export async function requeueJob(
  manager: EntityManager,
  queue: Queue,
  job: Job,
  change: Change,
): Promise<void> {
  await changeJob(manager, job, QUEUED, change);
  await enqueue(manager, queue, job);
}

/** Says that a job waits; its row is what takers read. */
export async function enqueue(
  manager: EntityManager,
  queue: Queue,
  job: Pick<Job, 'uuid' | 'kind'>,
): Promise<void> {
  await queue.nudge(manager, queueOf(job));
}

/** What changes while the state stays. A checkpoint is a sign of life: workers lost before it count no more. */
export interface Details {
  engine?: string;
  checkpoint?: object;
  /** Of a task: what came of it. */
  report?: object;
  progress?: {
    phase: string;
    epoch: number | null;
    epochs: number | null;
    done: number;
    total: number | null;
    imagesPerSecond: number | null;
    secondsLeft: number | null;
  };
}

/** @param job as `lockJob` gave it in this transaction */
export async function updateJob(manager: EntityManager, job: Job, details: Details): Promise<void> {
  const { progress } = details;
  await manager.query(
    `/* job.update */ WITH head AS (UPDATE project SET job_seq = job_seq + 1 WHERE id = $2 RETURNING job_seq)
     UPDATE job SET seq = head.job_seq, engine = coalesce($3, engine), checkpoint = coalesce($4, checkpoint),
       phase = coalesce($5, phase), epoch = CASE WHEN $5 IS NULL THEN epoch ELSE $6 END,
       epochs = CASE WHEN $5 IS NULL THEN epochs ELSE $7 END, done = coalesce($8, done), total = CASE WHEN $5 IS NULL THEN total ELSE $9 END,
       images_per_second = coalesce($10, images_per_second),
       seconds_left = CASE WHEN $5 IS NULL THEN seconds_left ELSE $11 END,
       expected_end = CASE WHEN $5 IS NULL THEN expected_end ELSE clock_timestamp() + 
         make_interval(secs => CASE WHEN $11::double precision < 1e9 THEN $11 END) END,
       losses = CASE WHEN $4 IS NULL THEN losses ELSE 0 END, report = coalesce($12, report)
     FROM head WHERE id = $1`,
    [
      job.uuid,
      job.projectUuid,
      details.engine,
      details.checkpoint && JSON.stringify(details.checkpoint),
      progress?.phase,
      progress?.epoch,
      progress?.epochs,
      progress?.done,
      progress?.total,
      progress?.imagesPerSecond,
      progress?.secondsLeft,
      details.report && JSON.stringify(details.report),
    ],
  );
  await hint(manager, PROJECT_JOBS_TOPIC, job.projectUuid);
}

/** For the caller that has no transaction yet. */
export function withJob<T>(
  db: DataSource,
  uuid: string,
  work: (manager: EntityManager, job: Job) => Promise<T>,
) {
  return db.transaction(async (manager) => {
    const job = await lockJob(manager, uuid);
    return job && work(manager, job);
  });
}
