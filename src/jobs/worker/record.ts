/** Writes down what a trainer says: each in one transaction, behind the fence. */
import { dirname } from 'node:path';
import type { EntityManager } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { appendEvents, hasLine } from '../../experiments/events/log.js';
import type { NewEvent } from '../../experiments/events/event.js';
import { prepareEvaluation } from '../../experiments/evaluate/prepare.js';
import { storeEvaluation } from '../../experiments/evaluate/store.js';
import { putArtifacts, setEngine, setOutcome, type NewArtifact } from '../../experiments/outcome.js';
import { claimBlobs, storeAndRefer } from '../../platform/blobs/claim.js';
import { identity } from '../../platform/identity.js';
import type { TrainerArtifact, TrainerMessage } from '../../training/protocol.js';
import { changeJob, updateJob } from '../change.js';
import { experimentOf, type Job } from '../job.js';
import { JobKind, JobState } from '../vocabulary.js';
import { pauseIfDue } from '../sweep/pause.js';
import { TrainerFault } from './fault.js';
import { fenced, type Lease, type WorkerServices } from './fence.js';
import { inside, storeFile, storeFolder, type StoredFiles } from './files.js';
import type { Epoch, Progress } from './inbox.js';
import { settleFailure, settleStop, type Stop } from './settle.js';

type Message<T extends TrainerMessage['type']> = Extract<TrainerMessage, { type: T }>;

/** States in which a stop is the end of the job, so that its checkpoint is what it came to. */
const ENDING: Record<Stop, readonly JobState[]> = {
  DRAINED: [JobState.CANCELLING],
  TIMED_OUT: [JobState.RUNNING, JobState.CANCELLING],
};

/** Only a training has a log; see changeJob. */
async function tell(manager: EntityManager, job: Job, events: NewEvent[]): Promise<number | null> {
  return job.kind === JobKind.TRAINING ? appendEvents(manager, experimentOf(job), events) : null;
}

export class Recorder {
  /** Where lines stand whose commit nobody has heard of: writing one again must not double it. */
  private readonly unheard = new WeakMap<object, number>();

  constructor(
    private readonly services: Pick<WorkerServices, 'db' | 'blobs' | 'queue'>,
    private readonly lease: Lease,
    private readonly outputDir: string,
    private readonly samples: number,
  ) {}

  private fenced<T>(work: (manager: EntityManager, job: Job) => Promise<T>): Promise<T> {
    return fenced(this.services.db, this.lease, work);
  }

  progress({ type: _, ...progress }: Progress): Promise<void> {
    return this.fenced((manager, job) => updateJob(manager, job, { progress }));
  }

  async engine(message: Message<'engine'>): Promise<void> {
    const { engine, reason, environment } = message;
    const service = await identity();
    await this.fenced(async (manager, job) => {
      await this.line(manager, job, message, { level: 'info', message: `engine ${engine}: ${reason}` });
      if (job.kind === JobKind.TRAINING)
        await setEngine(manager, experimentOf(job), engine, reason, { service, trainer: environment });
      await updateJob(manager, job, { engine });
    });
  }

  log(message: Message<'log'>): Promise<void> {
    return this.fenced((manager, job) => this.line(manager, job, message, message));
  }

  /**
   * Once, however often it is tried: of a try whose answer was lost with the connection nobody knows whether it was
   * committed, but its place in the log is known, and there is no other writer of lines behind the fence.
   * @param of what it is a line of; the same object at each try
   */
  private async line(
    manager: EntityManager,
    job: Job,
    of: object,
    { level, message }: Pick<Message<'log'>, 'level' | 'message'>,
  ): Promise<void> {
    const tried = this.unheard.get(of);
    if (tried !== undefined && (await hasLine(manager, experimentOf(job), tried, message))) return;
    const seq = await tell(manager, job, [{ kind: 'LOG', level, message }]);
    if (seq !== null) this.unheard.set(of, seq);
  }

  /** Metrics and checkpoint together: what is in the log is in the checkpoint, so a resumed training repeats nothing. */
  async epochs(epochs: Epoch[]): Promise<void> {
    const newest = epochs.at(-1);
    if (!newest) return;
    await this.stored(
      () => this.storeCheckpoint(newest.checkpoint),
      async (files, manager, job) => {
        const stored = (await checkpointOf(manager, job))?.epoch ?? 0;
        const fresh = epochs.filter((epoch) => epoch.epoch > stored);
        await tell(manager, job, fresh.flatMap(metricEvents));
        await this.putCheckpoint(manager, job, files, Math.max(stored, newest.epoch));
      },
    );
  }

  async trained(message: Message<'trained'>): Promise<void> {
    await this.stored(
      () => this.store(message.artifacts),
      async (artifacts, manager, job) => {
        await putArtifacts(manager, this.services.blobs, experimentOf(job), artifacts);
        await setOutcome(manager, experimentOf(job), message);
        await changeJob(manager, job, JobState.SUCCEEDED);
      },
    );
  }

  /** Figures first, which take their time; then all of it and the job's end in one transaction. */
  async evaluated(message: Message<'evaluated'>): Promise<void> {
    const file = await inside(this.outputDir, message.predictions);
    const evaluationUuid = this.lease.job.evaluationUuid ?? '';
    const prepared = await prepareEvaluation(this.services.db, evaluationUuid, {
      file,
      folder: dirname(this.outputDir),
    });
    if (prepared.scope.task === LearningTask.LIGHT_STATE)
      this.checkCount(message.n, prepared.slices[0]?.n ?? 0);
    await this.fenced(async (manager, job) => {
      await storeEvaluation(manager, prepared);
      await changeJob(manager, job, JobState.SUCCEEDED);
    });
  }

  private checkCount(said: number, found: number): void {
    if (found === this.samples && found === said) return;
    const problem = `${this.samples} lights were to be predicted, ${said} are said to be, ${found} are.`;
    throw new TrainerFault('PREDICTIONS_INVALID', problem);
  }

  /** What is worth keeping of it is kept: the models that it names, and the last checkpoint. */
  async failed({ code, message, artifacts = [] }: Omit<Message<'failed'>, 'type'>): Promise<void> {
    await this.stored(
      () => this.store(artifacts),
      async (stored, manager, job) => {
        if (stored.length > 0) {
          await putArtifacts(manager, this.services.blobs, experimentOf(job), stored);
          await this.keepCheckpoint(manager, job, ENDING.TIMED_OUT);
        }
        await settleFailure(manager, job, { code, message });
      },
    );
  }

  /** Stopped as asked: the checkpoint is kept, for the next attempt or as what a cancelled training came to. */
  async stopped({ checkpoint }: Message<'stopped'>, why: Stop = 'DRAINED'): Promise<void> {
    await this.stored(
      async () => (checkpoint === null ? null : this.storeCheckpoint(checkpoint)),
      async (files, manager, job) => {
        const epoch = (await checkpointOf(manager, job))?.epoch ?? 0;
        if (files) await this.putCheckpoint(manager, job, files, epoch);
        await this.keepCheckpoint(manager, job, ENDING[why]);
        const pauses = why === 'DRAINED' && (await pauseIfDue(manager, job, epoch));
        if (!pauses) await settleStop(manager, this.services.queue, job, why);
      },
    );
  }

  /** It did not stop in time, or never began: the last checkpoint that was stored is what there is. */
  halted(why: Stop = 'DRAINED'): Promise<void> {
    return this.fenced(async (manager, job) => {
      await this.keepCheckpoint(manager, job, ENDING[why]);
      await settleStop(manager, this.services.queue, job, why);
    });
  }

  /** Bytes, and in one transaction the rows that refer to them. */
  private stored<S, T>(
    store: () => Promise<S>,
    work: (stored: S, manager: EntityManager, job: Job) => Promise<T>,
  ): Promise<T> {
    return storeAndRefer(store, (stored) => this.fenced((manager, job) => work(stored, manager, job)));
  }

  private async storeCheckpoint(folder: string): Promise<StoredFiles> {
    return storeFolder(this.services.blobs, await inside(this.outputDir, folder));
  }

  private async putCheckpoint(manager: EntityManager, job: Job, files: StoredFiles, epoch: number) {
    await claimBlobs(manager, this.services.blobs, Object.values(files));
    await updateJob(manager, job, { checkpoint: { files, epoch } });
  }

  private async store(files: TrainerArtifact[]): Promise<NewArtifact[]> {
    const artifacts: NewArtifact[] = [];
    for (const { path, kind, mediaType } of files) {
      const file = await inside(this.outputDir, path);
      artifacts.push({ path, kind, mediaType, ...(await storeFile(this.services.blobs, file)) });
    }
    return artifacts;
  }

  private async keepCheckpoint(manager: EntityManager, job: Job, states: readonly JobState[]): Promise<void> {
    const checkpoint = states.includes(job.state) ? await checkpointOf(manager, job) : null;
    if (!checkpoint) return;
    const artifacts: NewArtifact[] = [];
    for (const [name, sha256] of Object.entries(checkpoint.files)) {
      const bytes = await this.services.blobs.size(sha256);
      const mediaType = name.endsWith('.json') ? 'application/json' : 'application/octet-stream';
      artifacts.push({ path: `checkpoint/${name}`, kind: 'CHECKPOINT', sha256, bytes, mediaType });
    }
    await putArtifacts(manager, this.services.blobs, experimentOf(job), artifacts);
  }
}

async function checkpointOf(
  manager: EntityManager,
  job: Job,
): Promise<{ files: StoredFiles; epoch: number } | null> {
  const rows: { checkpoint: { files: StoredFiles; epoch: number } | null }[] = await manager.query(
    '/* job.checkpoint */ SELECT checkpoint FROM job WHERE id = $1',
    [job.uuid],
  );
  return rows[0]?.checkpoint ?? null;
}

const metricEvents = ({ epoch, metrics }: Epoch): NewEvent[] =>
  metrics.map((metric) => ({ kind: 'METRIC', step: epoch, ...metric }));
