/**
 * Keeps columns exactly at one snapshot of the database. Triggers log which images a transaction touched; a reader
 * takes the log entries that its last snapshot did not see and reads those images again, all within one snapshot.
 */
import type { PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import { connectionOf } from '../../../platform/database/connection.js';
import { ShingoError } from '../../../platform/error.js';
import { every } from '../../../platform/every.js';
import type { Log } from '../../../platform/log.js';

/** More changes than this share of a project: reading it whole is cheaper than by id. */
const RELOAD_SHARE = 0.5;
const KEEP_LOG = '10 minutes';
const PRUNE_EVERY_MS = 60_000;

/** What `work` may ask PostgreSQL. */
export type SnapshotClient = Pick<PoolClient, 'query'>;

class StatementNeeded extends Error {}

/** Tells that a question needs statements, hence a transaction that holds the snapshot. */
const NO_STATEMENTS = {
  query: () => {
    throw new StatementNeeded();
  },
} as unknown as SnapshotClient;

/** What is kept of a project, how it is read whole, and how the images that changed are read again. */
export interface ColumnsKind<C extends Held> {
  make(): C;
  load(client: PoolClient, columns: C, projectUuid: string): Promise<void>;
  apply(
    client: PoolClient,
    columns: C,
    projectUuid: string,
    touched: { id: string; nr: number }[],
  ): Promise<void>;
}

interface Held {
  readonly images: number;
  /** Changes have left so many holes that reading it whole is better. */
  readonly worn: boolean;
}

interface State<C> {
  columns: C;
  /** As pg_current_snapshot() writes it. */
  snapshot: string;
}

class ProjectColumns<C> {
  state: State<C> | null = null;
  lastUsed = 0;
  /** One reader at a time: the next one's changes must not reach a reader between two of its statements. */
  turn: Promise<unknown> = Promise.resolve();
}

/** Columns of a kind, by project, for one connection pool. */
export class SnapshotColumns<C extends Held> {
  private readonly projects = new Map<string, ProjectColumns<C>>();

  constructor(
    private readonly db: DataSource,
    private readonly kind: ColumnsKind<C>,
    /** Images in memory over all projects; a million take about 200 MB. */
    readonly maxImages = 4_000_000,
  ) {}

  /**
   * Calls `work` with the project's columns as of a snapshot that is no older than this call, and with statements that
   * see that same snapshot. `work` may be called twice, so it changes nothing.
   * @throws ShingoError COVERAGE_TOO_LARGE
   */
  async read<T>(
    projectUuid: string,
    work: (columns: C, client: SnapshotClient) => Promise<T> | T,
  ): Promise<T> {
    let project = this.projects.get(projectUuid);
    if (!project) this.projects.set(projectUuid, (project = new ProjectColumns()));
    const held = project;
    const mine = held.turn.then(() => this.readNow(projectUuid, held, work));
    held.turn = mine.catch(() => undefined);
    return mine;
  }

  private async readNow<T>(
    projectUuid: string,
    project: ProjectColumns<C>,
    work: (columns: C, client: SnapshotClient) => Promise<T> | T,
  ): Promise<T> {
    project.lastUsed = performance.now();
    // The usual case, one statement: nothing changed, and the question needs no other.
    if (project.state && (await this.unchanged(projectUuid, project.state))) {
      try {
        return await work(project.state.columns, NO_STATEMENTS);
      } catch (error) {
        if (!(error instanceof StatementNeeded)) throw error;
      }
    }
    const runner = this.db.createQueryRunner();
    try {
      const client = await connectionOf(runner);
      // Reading a million images whole takes longer than a request may.
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await client.allow(600_000);
      try {
        const state = await this.refreshed(client, projectUuid, project);
        return await work(state.columns, client);
      } finally {
        await client.query('COMMIT').catch(() => undefined);
      }
    } catch (error) {
      // Half-applied changes are worth nothing.
      if (!(error instanceof ShingoError)) project.state = null;
      throw error;
    } finally {
      await runner.release();
    }
  }

  /** True: nothing of the project changed; its columns are those of this moment too. */
  private async unchanged(projectUuid: string, state: State<C>): Promise<boolean> {
    const now = await lookSince(this.db, projectUuid, state.snapshot);
    if (now?.same) state.snapshot = now.snapshot;
    return now?.same ?? false;
  }

  private async refreshed(
    client: PoolClient,
    projectUuid: string,
    project: ProjectColumns<C>,
  ): Promise<State<C>> {
    const before = project.state;
    const [now] = (
      await client.query<{ snapshot: string; cut: boolean }>(
        `/* coverage.snapshot */ SELECT pg_current_snapshot()::text AS snapshot,
           coalesce(e.xid >= pg_snapshot_xmin($1::pg_snapshot), true) AS cut FROM coverage_log_end e`,
        [before?.snapshot ?? null],
      )
    ).rows as [{ snapshot: string; cut: boolean }];
    if (before && !now.cut && (await this.applied(client, projectUuid, before))) {
      before.snapshot = now.snapshot;
      return before;
    }
    project.state = null;
    await this.makeRoom(client, projectUuid);
    const columns = this.kind.make();
    await this.kind.load(client, columns, projectUuid);
    project.state = { columns, snapshot: now.snapshot };
    return project.state;
  }

  /** Of all projects that are in memory. */
  protected held(): C[] {
    return [...this.projects.values()].flatMap(({ state }) => (state ? [state.columns] : []));
  }

  /** Applies what the last snapshot did not see. False: there is so much of it that loading anew is better. */
  private async applied(
    client: PoolClient,
    projectUuid: string,
    { columns, snapshot }: State<C>,
  ): Promise<boolean> {
    const limit = Math.max(1000, Math.round(columns.images * RELOAD_SHARE));
    const { rows } = await client.query<{ id: string | null; nr: string }>(
      `/* coverage.changes */ SELECT DISTINCT image_id AS id, nr FROM coverage_log
       WHERE project_id = $1 AND xid >= pg_snapshot_xmin($2::pg_snapshot)
         AND NOT pg_visible_in_snapshot(xid, $2::pg_snapshot) LIMIT $3`,
      [projectUuid, snapshot, limit + 1],
    );
    if (rows.length === 0) return true;
    if (rows.length > limit || columns.worn) return false;
    const touched = rows.flatMap(({ id, nr }) => (id === null ? [] : [{ id, nr: Number(nr) }]));
    await this.kind.apply(client, columns, projectUuid, touched);
    return true;
  }

  /** Forgets the projects that nobody has asked for the longest. */
  private async makeRoom(client: PoolClient, projectUuid: string): Promise<void> {
    const { rows } = await client.query<{ n: number }>(
      `/* coverage.size */ SELECT count(*)::int AS n FROM (
         SELECT 1 FROM image WHERE project_id = $1 LIMIT $2) AS found`,
      [projectUuid, this.maxImages + 1],
    );
    const wanted = rows[0]?.n ?? 0;
    if (wanted > this.maxImages) {
      throw new ShingoError(
        'COVERAGE_TOO_LARGE',
        `The project has more than ${this.maxImages} images; set SHINGO_COVERAGE_IMAGES higher (each takes about 200 bytes of memory).`,
        503,
      );
    }
    const held = [...this.projects].filter(([, { state }]) => state !== null);
    held.sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    let total = held.reduce((sum, [, { state }]) => sum + (state as State<C>).columns.images, wanted);
    for (const [uuid, project] of held) {
      if (total <= this.maxImages) break;
      total -= (project.state as State<C>).columns.images;
      // Whoever reads it at this moment goes on with its own reference.
      this.projects.delete(uuid);
    }
  }
}

async function lookSince(
  db: DataSource,
  projectUuid: string,
  snapshot: string,
): Promise<{ snapshot: string; same: boolean; there: boolean } | null> {
  const [now]: { snapshot: string; same: boolean; there: boolean }[] = await db.query(
    `/* coverage.unchanged */ SELECT pg_current_snapshot()::text AS snapshot,
       e.xid < pg_snapshot_xmin($1::pg_snapshot) AND NOT EXISTS (
         SELECT 1 FROM coverage_log WHERE project_id = $2 AND xid >= pg_snapshot_xmin($1::pg_snapshot)
           AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)) AS same,
       EXISTS (SELECT 1 FROM project WHERE id = $2) AS there
     FROM coverage_log_end e`,
    [snapshot, projectUuid],
  );
  return now ?? null;
}

/** As pg_current_snapshot() writes one. Whoever keeps it, keeps their place in the change log for 10 minutes. */
export function isSnapshot(text: string): boolean {
  const [, low, high, list] = /^(\d{1,18}):(\d{1,18}):((?:\d{1,18}(?:,|$))*)$/.exec(text) ?? [];
  if (low === undefined || high === undefined) return false;
  const [xmin, xmax] = [BigInt(low), BigInt(high)];
  const open = (list ?? '').split(',').filter(Boolean).map(BigInt);
  const ordered = open.every(
    (xid, index) => xid >= xmin && xid < xmax && (index === 0 || xid >= open[index - 1]!),
  );
  return xmin > 0n && xmin <= xmax && ordered;
}

/** Whether an image of the project may have changed since a snapshot; null: the project is gone. */
export async function coverageSince(
  db: DataSource,
  projectUuid: string,
  snapshot: string,
): Promise<boolean | null> {
  const now = await lookSince(db, projectUuid, snapshot);
  if (!now?.there) return null;
  // One of another database says nothing of this one.
  const ahead = BigInt(snapshot.split(':')[1]!) > BigInt(now.snapshot.split(':')[1]!);
  return ahead || !now.same;
}

/** The log is for those who keep up; a reader that is older than its end reads the project anew. */
export async function pruneCoverageLog(db: DataSource): Promise<void> {
  await db.query(
    `/* coverage.prune */ WITH gone AS (DELETE FROM coverage_log WHERE at < now() - interval '${KEEP_LOG}' RETURNING xid)
     UPDATE coverage_log_end SET xid = greatest(xid, (SELECT xid FROM gone ORDER BY xid DESC LIMIT 1))`,
  );
}

/** Now and every minute. Returns how to stop. */
export const startCoveragePrune = ({ db, log }: { db: DataSource; log: Log }): (() => Promise<void>) =>
  every(PRUNE_EVERY_MS, 'the pruning of the coverage log', log, () => pruneCoverageLog(db));
