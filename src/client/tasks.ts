/** Jobs without a trainer, from their start to what came of them. */
import { randomUUID } from 'node:crypto';
import { ApiError, type ShingoClient } from './api.js';
import { cancelJob, type Job, waitForJobs } from './jobs.js';
import type { Progress } from './terminal/progress.js';

export interface TaskFile {
  name: string;
  mediaType: string;
  bytes: number;
  sha256: string;
  /** Path on the service. */
  url: string;
}

export interface Task {
  projectId: string;
  /** The mutation, such as startExport. */
  start: string;
  /** Its input, without the idempotency key. */
  input: Record<string, unknown>;
  /** The type of the report and the fields of it that are wanted. */
  report: { type: string; fields: string };
}

export interface TaskResult<Report> {
  jobId: string;
  report: Report;
  files: TaskFile[];
}

const inputType = (start: string): string => `${start[0]!.toUpperCase()}${start.slice(1)}Input`;

/**
 * Starts a task and waits for its end; shows how far it is. When the client's signal is aborted, the job is cancelled.
 * @throws ApiError with the job's reason if it failed
 */
export async function runTask<Report>(
  client: ShingoClient,
  { projectId, start, input, report }: Task,
  progress?: Progress,
): Promise<TaskResult<Report>> {
  const { job } = await client.mutate<{ job: { id: string } }>(
    `mutation Start($input: ${inputType(start)}!) {
       ${start}(input: $input) { job { id } userErrors { code message field } } }`,
    { ...input, idempotencyKey: randomUUID() },
    { idempotent: true },
  );
  const ended = await follow(client, projectId, job.id, progress);
  if (ended?.state !== 'SUCCEEDED') {
    const { code, message } = ended?.reason ?? { code: 'INTERNAL', message: 'the job ended without a word' };
    throw new ApiError(code, message);
  }
  const { job: result } = await client.request<{ job: { report: Report; files: TaskFile[] } }>(
    `query Result($id: ID!) { job(id: $id) {
       report { ... on ${report.type} { ${report.fields} } } files { name mediaType bytes sha256 url } } }`,
    { id: job.id },
  );
  return { jobId: job.id, ...result };
}

async function follow(client: ShingoClient, projectId: string, id: string, progress?: Progress) {
  try {
    const jobs = await waitForJobs(client, projectId, [id], (job) => show(job, progress));
    return jobs.get(id);
  } catch (error) {
    // A client of its own: this one's signal is what ended the waiting.
    if (client.signal?.aborted) await cancelJob(client.withoutSignal(), id).catch(() => undefined);
    throw error;
  } finally {
    progress?.stop();
  }
}

function show({ progress: state }: Job, progress?: Progress): void {
  if (!state?.phase) return;
  progress?.update({
    label: state.phase.toLowerCase().replaceAll('_', ' '),
    done: state.done ?? 0,
    total: state.total ?? 0,
    perSecond: state.imagesPerSecond,
    secondsLeft: state.secondsLeft,
  });
}
