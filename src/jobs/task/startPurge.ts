import { checkPurge } from '../../retention/purge.js';
import type { Job } from '../job.js';
import { startTask, type NewTask } from '../start/startTask.js';
import { JobKind } from '../vocabulary.js';

type Services = Parameters<typeof startTask>[0];
type Request = Pick<NewTask<JobKind.PURGE>, 'projectUuid' | 'idempotencyKey' | 'job'> & {
  experimentUuids: string[] | null;
  dryRun: boolean;
};

/** @throws ShingoError EXPERIMENT_NOT_DELETED, BAD_USER_INPUT, CONFLICT, QUEUE_FULL */
export function startPurge(services: Services, { experimentUuids, dryRun, ...task }: Request): Promise<Job> {
  const asked = { experimentUuids, dryRun };
  return startTask(services, { kind: JobKind.PURGE, asked, ...task }, async () => {
    await checkPurge(services.db, task.projectUuid, experimentUuids);
    return asked;
  });
}
