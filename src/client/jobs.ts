import { setTimeout as sleep } from 'node:timers/promises';

import type { ShingoClient } from './api.js';
import type { JobState, Reason } from './types.js';

export interface JobProgress {
  phase: string | null;
  epoch: number | null;
  epochs: number | null;
  done: number | null;
  total: number | null;
  imagesPerSecond: number | null;
  secondsLeft: number | null;
}
export interface Job {
  id: string;
  kind: string;
  state: JobState;
  reason: Reason | null;
  attempt: number;
  maxAttempts: number;
  worker: string | null;
  engine: string | null;
  progress: JobProgress | null;
}

export const JOB_FIELDS = `id kind state reason { code message } attempt maxAttempts worker engine
  progress { phase epoch epochs done total imagesPerSecond secondsLeft }`;
const JOBS = `subscription Jobs($projectId: ID!) { jobs(projectId: $projectId) { ${JOB_FIELDS} } }`;
const JOB = `query Job($id: ID!) { job(id: $id) { ${JOB_FIELDS} } }`;
const CANCEL_JOB = /* GraphQL */ `
  mutation CancelJob($input: CancelJobInput!) {
    cancelJob(input: $input) {
      job {
        id
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;

const isFinal = (state: JobState) => state === 'SUCCEEDED' || state === 'FAILED' || state === 'CANCELLED';

/** Follows jobs by subscription until each has ended; `onUpdate` sees every change. */
export async function waitForJobs(
  client: ShingoClient,
  projectId: string,
  ids: string[],
  onUpdate: (job: Job) => void = () => {},
  signal: AbortSignal | undefined = client.signal,
): Promise<Map<string, Job>> {
  const ended = new Map<string, Job>();
  const unseen = new Set(ids);
  const done = new AbortController();
  const accept = (job: Job) => {
    if (!ids.includes(job.id) || ended.has(job.id)) return;
    unseen.delete(job.id);
    if (isFinal(job.state)) ended.set(job.id, job);
    onUpdate(job);
    if (ended.size === ids.length) done.abort();
  };
  const stop = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
  try {
    await Promise.all([
      follow(client, projectId, unseen, ids, accept, stop),
      ask(client, unseen, accept, stop),
    ]);
  } catch (error) {
    done.abort();
    if (ended.size < ids.length) throw signal?.aborted ? signal.reason : error;
  }
  return ended;
}

async function follow(
  client: ShingoClient,
  projectId: string,
  unseen: Set<string>,
  ids: string[],
  accept: (job: Job) => void,
  stop: AbortSignal,
): Promise<void> {
  const open = () => {
    // On a new socket the next word may have been missed: all count as unseen again.
    for (const id of ids) unseen.add(id);
    return { document: JOBS, variables: { projectId } };
  };
  for await (const { jobs } of client.resubscribe<{ jobs: Job }>(open, () => stop.aborted, stop))
    accept(jobs);
}

/**
 * A subscription speaks first of unfinished jobs only: one that ended before it began is never mentioned.
 * So ask for those of which nothing has been heard, ever more rarely; in the common case, never or once.
 */
async function ask(
  client: ShingoClient,
  unseen: Set<string>,
  accept: (job: Job) => void,
  stop: AbortSignal,
): Promise<void> {
  for (let wait = 250; ; wait = Math.min(wait * 2, 15_000)) {
    await sleep(wait, undefined, { signal: stop });
    for (const id of [...unseen]) {
      const { job } = await client.request<{ job: Job | null }>(JOB, { id });
      if (job && isFinal(job.state)) accept(job);
    }
  }
}

export async function cancelJob(client: ShingoClient, jobId: string): Promise<void> {
  await client.mutate(CANCEL_JOB, { jobId }, { idempotent: true, timeoutMs: 3_000 });
}
