import type { Config } from '../../platform/config.js';
import type { Job } from '../job.js';
import { startTask, type NewTask } from '../start/startTask.js';
import { JobKind } from '../vocabulary.js';

type Services = Parameters<typeof startTask>[0] & { config: Pick<Config, 'orphanGraceHours'> };
type Request = Pick<NewTask<JobKind.ORPHANS>, 'projectUuid' | 'idempotencyKey' | 'job'> & {
  dryRun: boolean;
  takeStore: boolean;
};

/** Of the whole store, whatever the project: a job is of some project. @throws ShingoError BAD_USER_INPUT, CONFLICT, QUEUE_FULL */
export function startOrphanCollection(
  services: Services,
  { dryRun, takeStore, ...task }: Request,
): Promise<Job> {
  return startTask(
    services,
    { kind: JobKind.ORPHANS, asked: { dryRun, ...(takeStore ? { takeStore } : {}) }, ...task },
    async () => ({
      dryRun,
      takeStore,
      graceHours: services.config.orphanGraceHours,
    }),
  );
}
