/**
 * The process of a task, forked by a worker: what it reads was sent by others, and neither its memory nor its faults
 * are the service's. It ends with its parent.
 */
import { pino } from 'pino';
import { selectOne } from '../../graphql/select.js';
import { storeAndRefer } from '../../platform/blobs/claim.js';
import { openBlobs } from '../../platform/blobs/open.js';
import { connect } from '../../platform/database/dataSource.js';
import { isDatabaseAway } from '../../platform/database/errors.js';
import { ShingoError, messageOf } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import { entities } from '../../schema.js';
import { TrainingError } from '../../training/error.js';
import { changeJob, updateJob } from '../change.js';
import { Job } from '../job.js';
import { JobState, isTask } from '../vocabulary.js';
import { storeFile } from '../worker/files.js';
import { FenceLost, fenced, type Lease } from '../worker/fence.js';
import { settleFailure } from '../worker/settle.js';
import { putJobFiles, type NewJobFile } from './jobFile.js';
import { JobTask } from './jobTask.js';
import type { TaskCommand, TaskMessage } from './protocol.js';
import { TASKS } from './tasks.js';

/** One for the batch that is being written, one for progress, one for reading. */
const CONNECTIONS = 4;
const ALIVE_MS = 5_000;
/** How long it waits for a blob store that is away before the job fails. */
const PATIENCE_MS = 10 * 60_000;

const stopping = new AbortController();
const say = (message: TaskMessage): Promise<void> =>
  new Promise((resolve) => {
    if (process.send && process.connected) process.send(message, () => resolve());
    else resolve();
  });

process.on('disconnect', () => process.exit(1));
process.on('message', (command: TaskCommand) => {
  if (command.type === 'stop') stopping.abort();
  else void main(command).then(end, (error: unknown) => end(problem(error)));
});
setInterval(() => void say({ type: 'alive' }), ALIVE_MS).unref();

const problem = (error: unknown): TaskMessage =>
  isDatabaseAway(error) ? { type: 'away' } : { type: 'broke', message: messageOf(error) };

async function end(word: TaskMessage): Promise<void> {
  if (word.type === 'broke') word.message = word.message.slice(0, 2000);
  await say(word);
  process.exit(0);
}

type Start = Extract<TaskCommand, { type: 'start' }>;

async function main(start: Start): Promise<TaskMessage> {
  const { databaseUrl: url, config, folder } = start;
  const log = pino({ level: 'warn' }, pino.destination(2));
  const db = await connect({
    url,
    pool: CONNECTIONS,
    entities,
    migrations: [],
    applicationName: 'shingo task',
  });
  try {
    const job = await selectOne(db, Job, start.jobUuid);
    if (!job || job.attempt !== start.attempt || !isTask(job.kind)) return { type: 'lost' };
    const lease: Lease = { job, attempt: start.attempt };
    const lost = new AbortController();
    const blobs = (await openBlobs(config, true)).patient(PATIENCE_MS);
    stopping.signal.addEventListener('abort', () => blobs.hurry());
    const task = new JobTask({
      ...{ db, log, folder, lease, checkpoint: await privateColumn(db, job, 'checkpoint') },
      blobs,
      signal: AbortSignal.any([stopping.signal, lost.signal]),
      onLost: () => lost.abort(),
    });
    try {
      return await run(task, lease, config);
    } catch (error) {
      if (lost.signal.aborted || error instanceof FenceLost) return { type: 'lost' };
      if (stopping.signal.aborted) return { type: 'stopped' };
      const known = error instanceof ShingoError || error instanceof TrainingError;
      if (!known || isDatabaseAway(error)) throw error;
      const { code, message } = error;
      await task.end();
      await fenced(db, lease, (manager, held) => settleFailure(manager, held, { code, message }));
      return { type: 'settled' };
    } finally {
      await task.end();
    }
  } finally {
    await db.destroy().catch(() => undefined);
  }
}

/** Runs the task and writes down what came of it, in one transaction. @throws what the task throws */
async function run(task: JobTask, lease: Lease, config: Start['config']): Promise<TaskMessage> {
  const { job } = lease;
  if (!isTask(job.kind)) throw new Error(`${job.kind} is no task.`);
  const input = await privateColumn(task.db, job, 'input');
  const {
    report,
    files = [],
    settle,
  } = await TASKS[job.kind](task as TaskContext<never>, {
    projectUuid: job.projectUuid,
    config,
    input,
  });
  const store = async () => {
    const stored: NewJobFile[] = [];
    for (const { name, mediaType, path } of files)
      stored.push({ name, mediaType, ...(await storeFile(task.blobs, path)) });
    await task.end();
    return stored;
  };
  await storeAndRefer(store, (stored) =>
    fenced(task.db, lease, async (manager, held) => {
      // First: from updateJob on the project's row is held.
      await settle?.(manager);
      await putJobFiles(manager, task.blobs, held.uuid, stored);
      await updateJob(manager, held, { report });
      await changeJob(manager, held, JobState.SUCCEEDED);
    }),
  );
  return { type: 'settled' };
}

/** Columns that the API does not show. */
async function privateColumn(db: JobTask['db'], job: Job, column: 'input' | 'checkpoint') {
  const [row]: { value: object | null }[] = await db.query(
    `/* job.${column} */ SELECT ${column} AS value FROM job WHERE id = $1`,
    [job.uuid],
  );
  return row?.value ?? null;
}
