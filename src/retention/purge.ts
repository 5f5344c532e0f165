/**
 * What a project need not keep any longer goes for good: failed experiments are deleted, deleted ones purged, the states
 * of old trainings forgotten, each when its days are over. A task: it goes on where it was cut off.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { FINAL } from '../jobs/vocabulary.js';
import { BUSY } from '../experiments/deletion/deletion.js';
import { claimStore } from '../platform/blobs/owner.js';
import { connectionOf } from '../platform/database/connection.js';
import { ShingoError } from '../platform/error.js';
import type { TaskContext } from '../platform/task.js';
import {
  SLICED_TABLES,
  add,
  countRows,
  deleteRest,
  deleteSlice,
  digestsOf,
  sumOf,
  type RowCounts,
} from './experimentRows.js';
import { removeBlobs, wouldRemove, type Removed } from './removal.js';
import { selectRetentions, type Retention } from './retention.js';

export interface PurgeRequest {
  projectUuid: string;
  /** These deleted ones, whatever the days; null: those whose days are over. */
  experimentUuids: string[] | null;
  dryRun: boolean;
}

export interface PurgeReport extends Removed {
  dryRun: boolean;
  /** Failed experiments whose days were over: now deleted. */
  failedDeleted: number;
  /** Trainings whose state was forgotten. */
  checkpoints: number;
  experiments: number;
  /** Those that are due and stay: something that is kept began with their weights or stands on them. */
  held: number;
  rows: { table: string; rows: number }[];
}

export interface PurgeCheckpoint {
  failedDeleted: number;
  checkpoints: number;
  experiments: number;
  rows: RowCounts;
  removed: Removed;
  /** Of rows that are gone, not yet looked at. */
  digests: string[];
}

/** Rows a transaction: 40 ms on two cores. */
const SLICE = 10_000;
const EXPERIMENTS_AT_ONCE = 50;
/** Rows are read one by one: longer than a request may take. */
const COUNT_MS = 10 * 60_000;
const FAILED_AT_ONCE = 500;
const CHECKPOINTS_AT_ONCE = 100;

/** @throws ShingoError EXPERIMENT_NOT_DELETED, BAD_USER_INPUT */
export async function checkPurge(db: DataSource, projectUuid: string, uuids: string[] | null): Promise<void> {
  if (uuids === null) return;
  const [row]: [{ n: number }] = await db.query(
    `/* purge.check */ SELECT count(*)::int AS n FROM experiment
     WHERE project_id = $1 AND id = ANY ($2) AND deleted_at IS NOT NULL`,
    [projectUuid, uuids],
  );
  if (row.n === new Set(uuids).size) return;
  const message =
    'Only experiments of this project that are deleted can be purged: deleteExperiment comes first.';
  throw new ShingoError('EXPERIMENT_NOT_DELETED', message, 409, ['experimentIds']);
}

export async function purge(task: TaskContext<PurgeCheckpoint>, request: PurgeRequest): Promise<PurgeReport> {
  const [retention] = (await selectRetentions(task.db, [request.projectUuid])) as [Retention];
  return request.dryRun ? look(task, request, retention) : new Purge(task, request, retention).run();
}

class Purge {
  private readonly kept: PurgeCheckpoint;
  private total: number | null = null;

  constructor(
    private readonly task: TaskContext<PurgeCheckpoint>,
    private readonly request: PurgeRequest,
    private readonly retention: Retention,
  ) {
    this.kept = task.checkpoint ?? {
      ...{ failedDeleted: 0, checkpoints: 0, experiments: 0, rows: {}, digests: [] },
      removed: { blobs: 0, bytes: 0 },
    };
  }

  /** @throws ShingoError STORE_OF_ANOTHER_DATABASE, before anything is gone */
  async run(): Promise<PurgeReport> {
    await claimStore(this.task);
    await this.removeBlobs();
    const { db } = this.task;
    for (let before = -1; before < this.kept.experiments;) {
      const due = await dueNow(db, this.request, this.retention);
      if (due.length === 0) break;
      this.total ??=
        sumOf(this.kept.rows) + sumOf((await countAll(this.task, this.request, this.retention)).rows);
      before = this.kept.experiments;
      for (const experiment of due) await this.purgeOne(experiment);
    }
    if (this.request.experimentUuids === null) {
      await this.forgetCheckpoints();
      // Last: those that are deleted now are for a later night.
      await this.deleteFailed();
    }
    const held = await heldBack(db, this.request, this.retention);
    return reportOf(this.kept, { dryRun: false, held });
  }

  private async slice<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    this.task.signal.throwIfAborted();
    const began = performance.now();
    const result = await this.task.transaction(work, this.kept);
    // Twice as much time for others as it took itself: with as much, their p95 was 2.1 times what it is without.
    await sleep(Math.min(2 * (performance.now() - began), 1000), undefined, { signal: this.task.signal });
    return result;
  }

  private async deleteFailed(): Promise<void> {
    const { failedDays } = this.retention;
    if (failedDays === null) return;
    for (let rows = FAILED_AT_ONCE; rows === FAILED_AT_ONCE;) {
      rows = await this.slice(async (manager) => {
        const [, changed]: [unknown, number] = await manager.query(
          `/* purge.failed */ UPDATE experiment SET deleted_at = now() WHERE id IN (
             SELECT e.id FROM experiment e WHERE ${FAILED} ORDER BY e.id LIMIT ${FAILED_AT_ONCE} FOR UPDATE SKIP LOCKED)`,
          [this.request.projectUuid, failedDays],
        );
        this.kept.failedDeleted += changed;
        return changed;
      });
    }
  }

  private async forgetCheckpoints(): Promise<void> {
    const { checkpointDays } = this.retention;
    if (checkpointDays === null) return;
    for (let rows = CHECKPOINTS_AT_ONCE; rows === CHECKPOINTS_AT_ONCE;) {
      rows = await this.slice(async (manager) => {
        const [forgotten]: [{ files: Record<string, string> | null }[], number] = await manager.query(
          `/* purge.checkpoints */ UPDATE job SET checkpoint = NULL FROM (
             SELECT j.id, j.checkpoint FROM job j WHERE ${OLD_CHECKPOINT} ORDER BY j.id LIMIT ${CHECKPOINTS_AT_ONCE}
             FOR UPDATE SKIP LOCKED) old
           WHERE job.id = old.id RETURNING old.checkpoint->'files' AS files`,
          [this.request.projectUuid, checkpointDays, []],
        );
        this.kept.checkpoints += forgotten.length;
        this.kept.digests.push(...forgotten.flatMap(({ files }) => Object.values(files ?? {})));
        return forgotten.length;
      });
      await this.removeBlobs();
    }
  }

  private async purgeOne(experiment: string): Promise<void> {
    const { kept } = this;
    const begun = await this.slice(async (manager) => {
      const [rows]: [unknown[], number] = await manager.query(BEGIN, [this.request.projectUuid, experiment]);
      return rows.length > 0;
    });
    // Restored, or used, since it was looked for.
    if (!begun) return;
    for (const table of SLICED_TABLES)
      for (let rows = SLICE; rows === SLICE;)
        rows = await this.slice(async (manager) => {
          const gone = await deleteSlice(manager, table, experiment, SLICE);
          add(kept.rows, { [table]: gone });
          this.task.progress('DELETING', sumOf(kept.rows), this.total);
          return gone;
        });
    await this.slice(async (manager) => {
      kept.digests.push(...(await digestsOf(manager, [experiment])));
      add(kept.rows, await deleteRest(manager, experiment));
      kept.experiments += 1;
    });
    await this.removeBlobs();
  }

  /** What broke off here is looked at again: a digest of a blob that is gone is none that goes. */
  private async removeBlobs(): Promise<void> {
    const { kept, task } = this;
    if (kept.digests.length === 0) return;
    const removed = await removeBlobs(task, [...new Set(kept.digests)]);
    await this.slice(async () => {
      kept.digests = [];
      kept.removed.blobs += removed.blobs;
      kept.removed.bytes += removed.bytes;
    });
  }
}

/** What a real run would do now. */
async function look(
  task: TaskContext<PurgeCheckpoint>,
  request: PurgeRequest,
  retention: Retention,
): Promise<PurgeReport> {
  const { db } = task;
  const { failedDays, checkpointDays } = retention;
  const { rows, due, digests } = await countAll(task, request, retention);
  const count = async (from: string, days: number | null, ...more: unknown[]): Promise<number> => {
    if (days === null || request.experimentUuids !== null) return 0;
    const [row]: [{ n: number }] = await db.query(`/* purge.look */ SELECT count(*)::int AS n FROM ${from}`, [
      request.projectUuid,
      days,
      ...more,
    ]);
    return row.n;
  };
  const failedDeleted = await count(`experiment e WHERE ${FAILED}`, failedDays);
  const checkpoints = await count(`job j WHERE ${OLD_CHECKPOINT}`, checkpointDays, due);
  if (checkpoints > 0) {
    const files: { sha256: string }[] = await db.query(
      `/* purge.lookCheckpoints */ SELECT DISTINCT ON (j.id, files.value) files.value AS sha256
       FROM job j CROSS JOIN LATERAL jsonb_each_text(j.checkpoint->'files') files WHERE ${OLD_CHECKPOINT}`,
      [request.projectUuid, checkpointDays, due],
    );
    digests.push(...files.map(({ sha256 }) => sha256));
  }
  const held = await heldBack(db, request, retention);
  const kept = { failedDeleted, checkpoints, experiments: due.length, rows, digests: [] };
  return reportOf({ ...kept, removed: await wouldRemove(task, digests) }, { dryRun: true, held });
}

const reportOf = (
  { removed, rows, failedDeleted, checkpoints, experiments }: PurgeCheckpoint,
  more: { dryRun: boolean; held: number },
): PurgeReport => ({
  ...{ ...more, failedDeleted, checkpoints, experiments, ...removed },
  rows: Object.entries(rows)
    .map(([table, count]) => ({ table, rows: count }))
    .sort((a, b) => b.rows - a.rows || a.table.localeCompare(b.table)),
});

async function countAll(
  { db, signal, progress }: TaskContext<PurgeCheckpoint>,
  request: PurgeRequest,
  retention: Retention,
): Promise<{ rows: RowCounts; due: string[]; digests: string[] }> {
  const due = await allDue(db, request, retention);
  const rows: RowCounts = {};
  const digests: string[] = [];
  for (let from = 0; from < due.length; from += EXPERIMENTS_AT_ONCE) {
    signal.throwIfAborted();
    const some = due.slice(from, from + EXPERIMENTS_AT_ONCE);
    const counted = db.transaction(async (manager) => {
      await (await connectionOf(manager)).allow(COUNT_MS);
      return countRows(manager, some);
    });
    add(rows, await counted);
    if (request.dryRun) digests.push(...(await digestsOf(db, some)));
    progress('COUNTING', Math.min(from + EXPERIMENTS_AT_ONCE, due.length), due.length);
  }
  return { rows, due, digests };
}

const OVER = `'{${FINAL.join(',')}}'`;
const STANDS_ON = 'SELECT FROM model_version v WHERE v.experiment_id = e.id';

/** $1: the project, $2: days; $3 of checkpoints: experiments that go with theirs. */
const FAILED = `e.project_id = $1 AND e.state = 'FAILED' AND e.deleted_at IS NULL
  AND e.finished_at <= now() - make_interval(days => $2) AND NOT EXISTS (${BUSY('e.id')}) AND NOT EXISTS (${STANDS_ON})
  AND NOT EXISTS (SELECT FROM experiment c WHERE c.parent_id = e.id AND c.deleted_at IS NULL)
  AND NOT EXISTS (SELECT FROM sweep_trial t JOIN sweep s ON s.id = t.sweep_id
    WHERE t.experiment_id = e.id AND s.state IN ('RUNNING', 'CANCELLING'))`;
const OLD_CHECKPOINT = `j.project_id = $1 AND j.kind = 'TRAINING' AND j.checkpoint IS NOT NULL
  AND j.state = ANY (${OVER}) AND j.finished_at <= now() - make_interval(days => $2)
  AND NOT j.experiment_id = ANY ($3)`;

/** From now on it cannot be restored. */
const BEGIN = `/* purge.begin */ UPDATE experiment SET purge_started_at = coalesce(purge_started_at, now()) WHERE id = (
  SELECT e.id FROM experiment e WHERE e.project_id = $1 AND e.id = $2 AND e.deleted_at IS NOT NULL
    AND NOT EXISTS (${BUSY('e.id')}) AND NOT EXISTS (${STANDS_ON})
    AND NOT EXISTS (SELECT FROM experiment c WHERE c.parent_id = e.id) FOR UPDATE) RETURNING id`;

/** $1: the project, $2: days, $3: those that were named, or null. */
const WISHED = `e.project_id = $1 AND e.deleted_at IS NOT NULL AND (e.purge_started_at IS NOT NULL
  OR CASE WHEN $3::uuid[] IS NULL THEN e.deleted_at <= now() - make_interval(days => $2) ELSE e.id = ANY ($3) END)`;
const WITH_DUE = `WITH RECURSIVE wished AS MATERIALIZED (SELECT e.id, e.parent_id FROM experiment e WHERE ${WISHED}),
  free AS MATERIALIZED (SELECT e.id, e.parent_id FROM wished e
    WHERE NOT EXISTS (${BUSY('e.id')}) AND NOT EXISTS (${STANDS_ON})),
  held AS (
    SELECT c.parent_id AS id FROM experiment c WHERE c.project_id = $1 AND c.parent_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM free WHERE free.id = c.id)
    UNION SELECT e.parent_id FROM experiment e JOIN held ON held.id = e.id WHERE e.parent_id IS NOT NULL),
  due AS (SELECT f.id FROM free f WHERE NOT EXISTS (SELECT FROM held WHERE held.id = f.id))`;

const parametersOf = ({ projectUuid, experimentUuids }: PurgeRequest, { deletedDays }: Retention) => [
  projectUuid,
  deletedDays,
  experimentUuids,
];

/** In the order of their ids: 16 bytes each, of what may be every experiment of the project. */
async function allDue(db: DataSource, request: PurgeRequest, retention: Retention): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `/* purge.due */ ${WITH_DUE} SELECT id FROM due ORDER BY id`,
    parametersOf(request, retention),
  );
  return rows.map(({ id }) => id);
}

/** Some of them that nothing began with: children go before their parents. */
async function dueNow(db: DataSource, request: PurgeRequest, retention: Retention): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `/* purge.next */ ${WITH_DUE} SELECT id FROM due
     WHERE NOT EXISTS (SELECT FROM experiment c WHERE c.parent_id = due.id) ORDER BY id LIMIT 100`,
    parametersOf(request, retention),
  );
  return rows.map(({ id }) => id);
}

async function heldBack(db: DataSource, request: PurgeRequest, retention: Retention): Promise<number> {
  const [row]: [{ n: number }] = await db.query(
    `/* purge.held */ ${WITH_DUE} SELECT count(*)::int AS n FROM wished WHERE id NOT IN (SELECT id FROM due)`,
    parametersOf(request, retention),
  );
  return row.n;
}
