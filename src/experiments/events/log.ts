/**
 * The event log of an experiment: rows numbered 1, 2, 3, … without gaps. Whoever appends holds the lock of the
 * experiment's row until commit, so that numbers become visible in their order: a reader that has seen n has seen
 * every number below it, and "after n" means exactly the rest.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { hint } from '../../platform/hub.js';
import { EXPERIMENT_TOPIC, FINAL, type JobState } from '../../jobs/vocabulary.js';
import type { Metric } from '../metric.js';
import { writeBlocks } from './blocks.js';
import {
  EVENT_COLUMNS,
  toEvent,
  type EventRow,
  type ExperimentEvent,
  type NewEvent,
  type NewMetric,
} from './event.js';
import { insertPoints, pointsOf, type Points } from './points.js';
import { seriesIds } from './series.js';
import { summarize, updateSummaries } from './summary.js';

const MAX_MESSAGE = 2_000;

type Other = Exclude<NewEvent, NewMetric>;

/**
 * Appends within the caller's transaction, which holds the experiment's row from here on, and keeps what is known of
 * each series: its summary and its blocks. The number of statements does not grow with the events. Returns the number of
 * the first.
 * @throws if the experiment is gone, or has ended: after DONE comes nothing
 */
export async function appendEvents(
  manager: EntityManager,
  experimentUuid: string,
  events: NewEvent[],
): Promise<number | null> {
  if (events.length === 0) return null;
  const head = await takeSeqs(manager, experimentUuid, events.length);
  if (!head) throw new Error(`The log of experiment ${experimentUuid} is closed.`);
  const metrics: { seq: number; event: NewMetric }[] = [];
  const others: { seq: number; event: Other }[] = [];
  for (const [index, event] of events.entries()) {
    const seq = head.before + index + 1;
    if (event.kind === 'METRIC') metrics.push({ seq, event });
    else others.push({ seq, event });
  }
  if (others.length > 0) await insertOthers(manager, experimentUuid, head, others);
  if (metrics.length > 0) {
    const points = pointsOf(metrics.map(({ event }) => event));
    const ids = await seriesIds(manager, head.projectUuid, points.series);
    const seqs = metrics.map(({ seq }) => seq);
    await writePoints(manager, experimentUuid, points, { ids, seqs, now: head.now });
  }
  await hint(manager, EXPERIMENT_TOPIC, experimentUuid);
  return head.before + 1;
}

/** Whether the log has this line at this place: its writer never heard whether it was committed. */
export async function hasLine(
  db: DataSource | EntityManager,
  experimentUuid: string,
  seq: number,
  message: string,
): Promise<boolean> {
  const rows: unknown[] = await db.query(
    `/* experiment.line */ SELECT FROM experiment_event
     WHERE experiment_id = $1 AND seq = $2 AND kind = 'LOG' AND message = $3`,
    [experimentUuid, seq, storable(message)],
  );
  return rows.length > 0;
}

interface Head {
  projectUuid: string;
  /** The newest seq so far. */
  before: number;
  now: Date;
}

/** Locks the experiment and takes `count` numbers; null if it is gone or has ended. */
export async function takeSeqs(
  manager: EntityManager,
  experimentUuid: string,
  count: number,
): Promise<Head | null> {
  const [rows]: [{ project_id: string; before: string; now: Date }[], number] = await manager.query(
    `/* experiment.append */ UPDATE experiment SET last_seq = last_seq + $2, heard_at = clock_timestamp()
     WHERE id = $1 AND state <> ALL ($3::text[]) AND deleted_at IS NULL RETURNING project_id, last_seq - $2 AS before, heard_at AS now`,
    [experimentUuid, count, FINAL],
  );
  const row = rows[0];
  return row ? { projectUuid: row.project_id, before: Number(row.before), now: row.now } : null;
}

/**
 * Rows, summaries and blocks. The caller has taken the numbers.
 * @param of ids: of points.series, in its order; seqs: of the points; now: the time of points that have none
 */
export async function writePoints(
  manager: EntityManager,
  experimentUuid: string,
  points: Points,
  of: { ids: readonly number[]; seqs: readonly number[]; now: Date },
): Promise<void> {
  await insertPoints(manager, experimentUuid, points, of.ids, of.seqs, of.now);
  const summaries = summarize(points, of);
  const filled = await updateSummaries(manager, experimentUuid, summaries);
  if (filled.length > 0) await writeBlocks(manager, experimentUuid, filled);
}

async function insertOthers(
  manager: EntityManager,
  experimentUuid: string,
  { now }: Head,
  others: { seq: number; event: Other }[],
): Promise<void> {
  const rows = others.map(({ seq, event }) =>
    event.kind === 'LOG'
      ? { ...event, seq, message: storable(event.message) }
      : {
          ...{ seq, kind: event.kind, state: event.state, reason_code: event.reason?.code },
          message: event.reason && storable(event.reason.message),
        },
  );
  await manager.query(
    `/* experiment.others */ INSERT INTO experiment_event (experiment_id, seq, time, kind, state, reason_code, level, message)
     SELECT $1, e.seq, $2, e.kind, e.state, e.reason_code, e.level, e.message FROM json_to_recordset($3::json)
       AS e (seq bigint, kind text, state text, reason_code text, level text, message text)`,
    [experimentUuid, now, JSON.stringify(rows)],
  );
}

/** PostgreSQL's text cannot hold NUL, and a log line is not a place for a megabyte. */
export function storable(text: string): string {
  const clean = text.replaceAll('\0', '');
  return clean.length > MAX_MESSAGE ? `${clean.slice(0, MAX_MESSAGE - 1)}…` : clean;
}

/** At most `limit` events after `afterSeq`, in order. */
export async function readEvents(
  db: DataSource | EntityManager,
  experimentUuid: string,
  afterSeq: number,
  limit: number,
): Promise<ExperimentEvent[]> {
  return (await readAfter(db, experimentUuid, afterSeq, limit))?.events ?? [];
}

export interface LogHead {
  lastSeq: number;
  state: JobState;
}

/**
 * How far the log goes, and at most `limit` events after `afterSeq`, in order: of one moment, in one statement, which
 * is what a hint costs. Null if the experiment is gone.
 */
export async function readAfter(
  db: DataSource | EntityManager,
  experimentUuid: string,
  afterSeq: number,
  limit: number,
): Promise<(LogHead & { events: ExperimentEvent[] }) | null> {
  const rows: ({ last_seq: string; now_state: JobState } & EventRow)[] = await db.query(
    `/* experiment.events */ SELECT e.last_seq, e.state AS now_state, v.* FROM experiment e LEFT JOIN LATERAL (
       SELECT ${EVENT_COLUMNS} FROM experiment_event WHERE experiment_id = e.id AND seq > $2 ORDER BY seq LIMIT $3
     ) v ON true WHERE e.id = $1 ORDER BY v.seq`,
    [experimentUuid, afterSeq, limit],
  );
  const [first] = rows;
  if (!first) return null;
  const events = (first.seq as string | null) === null ? [] : rows.map(toEvent);
  return { lastSeq: Number(first.last_seq), state: first.now_state, events };
}

/** How far each log goes and whether it will go further, by experiment; those that are gone are missing. */
export async function logHeads(
  db: DataSource | EntityManager,
  experimentUuids: readonly string[],
): Promise<Map<string, LogHead>> {
  const rows: { id: string; last_seq: string; state: JobState }[] = await db.query(
    '/* experiment.heads */ SELECT id, last_seq, state FROM experiment WHERE id = ANY($1)',
    [experimentUuids],
  );
  return new Map(rows.map(({ id, last_seq, state }) => [id, { lastSeq: Number(last_seq), state }]));
}

/** Which metrics; null: all. A condition of null is every light of the split. */
export interface MetricFilter {
  names: string[] | null;
  conditions: (string | null)[] | null;
}

/** At most `limit` metrics after `after`, up to `upTo`, in order. */
export async function readMetrics(
  db: DataSource | EntityManager,
  experimentUuid: string,
  { after, upTo, limit, filter }: { after: number; upTo: number; limit: number; filter: MetricFilter },
): Promise<Metric[]> {
  const rows: EventRow[] = await db.query(
    `/* experiment.metricsAfter */ SELECT ${EVENT_COLUMNS} FROM experiment_event
     WHERE experiment_id = $1 AND seq > $2 AND seq <= $3 AND kind = 'METRIC'
       AND ($5::text[] IS NULL OR name = ANY ($5))
       AND ($6::text[] IS NULL OR condition = ANY ($6) OR condition IS NULL AND $7)
     ORDER BY seq LIMIT $4`,
    [
      experimentUuid,
      after,
      upTo,
      limit,
      filter.names,
      filter.conditions,
      filter.conditions?.includes(null) ?? false,
    ],
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }) as unknown as Metric);
}
