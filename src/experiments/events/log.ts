/**
 * The event log of an experiment: rows numbered 1, 2, 3, … without gaps. Whoever appends holds the lock of the
 * experiment's row until commit, so that numbers become visible in their order: a reader that has seen n has seen
 * every number below it, and "after n" means exactly the rest.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { hint } from '../../platform/hub.js';
import { EXPERIMENT_TOPIC, FINAL, type JobState } from '../../jobs/vocabulary.js';
import { BLOCK_POINTS, writeBlocks } from './blocks.js';
import { EVENT_COLUMNS, toEvent, type EventRow, type ExperimentEvent, type NewEvent } from './event.js';
import { seriesIds, seriesKey } from './series.js';
import { numberText, summarize, updateSummaries } from './summary.js';

const MAX_MESSAGE = 2_000;

/**
 * Appends within the caller's transaction, which holds the experiment's row from here on, and keeps what is known of
 * each series: its summary and its blocks. The number of statements does not grow with the events.
 * @throws if the experiment is gone, or has ended: after DONE comes nothing
 */
export async function appendEvents(
  manager: EntityManager,
  experimentUuid: string,
  events: NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const firstSeq = await appendIfOpen(manager, experimentUuid, events);
  if (firstSeq === null) throw new Error(`The log of experiment ${experimentUuid} is closed.`);
}

/** The same, and tells the seq of the first; null, and nothing is written, if the experiment is gone or has ended. */
export async function appendIfOpen(
  manager: EntityManager,
  experimentUuid: string,
  events: NewEvent[],
): Promise<number | null> {
  const head = await takeHead(manager, experimentUuid, events.length);
  if (!head) return null;
  const metrics = new Map(
    events.flatMap((event) => (event.kind === 'METRIC' ? [[seriesKey(event), event]] : [])),
  );
  const series =
    metrics.size > 0 ? await seriesIds(manager, head.projectUuid, metrics) : new Map<string, number>();
  await insertEvents(manager, experimentUuid, head, events, series);
  const points = events.flatMap((event, index) => {
    if (event.kind !== 'METRIC') return [];
    const { step, value, time } = event;
    const seriesId = series.get(seriesKey(event))!;
    return [{ seriesId, seq: head.before + index + 1, step, value, time: time ?? head.now }];
  });
  if (points.length > 0) {
    const filled = await updateSummaries(manager, experimentUuid, summarize(points), BLOCK_POINTS);
    await writeBlocks(manager, experimentUuid, filled);
  }
  await hint(manager, EXPERIMENT_TOPIC, experimentUuid);
  return head.before + 1;
}

interface Head {
  projectUuid: string;
  /** The newest seq so far. */
  before: number;
  now: Date;
}

/** Locks the experiment and takes `count` numbers; null if it is gone or has ended. */
async function takeHead(manager: EntityManager, experimentUuid: string, count: number): Promise<Head | null> {
  const [rows]: [{ project_id: string; before: string; now: Date }[], number] = await manager.query(
    `/* experiment.append */ UPDATE experiment SET last_seq = last_seq + $2, heard_at = clock_timestamp()
     WHERE id = $1 AND state <> ALL ($3::text[]) RETURNING project_id, last_seq - $2 AS before, heard_at AS now`,
    [experimentUuid, count, FINAL],
  );
  const row = rows[0];
  return row ? { projectUuid: row.project_id, before: Number(row.before), now: row.now } : null;
}

async function insertEvents(
  manager: EntityManager,
  experimentUuid: string,
  { before, now }: Head,
  events: NewEvent[],
  series: ReadonlyMap<string, number>,
): Promise<void> {
  await manager.query(
    `/* experiment.events.insert */ INSERT INTO experiment_event (experiment_id, seq, time, kind, name, split, condition,
       class, series_id, step, value, n, lower, upper, method, state, reason_code, level, message)
     SELECT $1, $2::bigint + e.place, coalesce(e.time, $3), e.kind, e.name, e.split, e.condition, e.class, e.series_id,
       e.step, e.value, e.n, e.lower, e.upper, e.method, e.state, e.reason_code, e.level, e.message
     FROM json_to_recordset($4::json) AS e (place int, time timestamptz, kind text, name text, split text,
       condition text, class text, series_id int, step int, value double precision, n int, lower double precision,
       upper double precision, method text, state text, reason_code text, level text, message text)`,
    [experimentUuid, before, now, JSON.stringify(events.map((event, index) => toRow(event, index, series)))],
  );
}

function toRow(event: NewEvent, index: number, series: ReadonlyMap<string, number>): object {
  const place = index + 1;
  // JSON has no NaN; PostgreSQL reads it from text.
  if (event.kind === 'METRIC') {
    const { value, lower, upper } = event;
    const numbers = { value: numberText(value), lower: numberText(lower), upper: numberText(upper) };
    return { ...event, ...numbers, place, series_id: series.get(seriesKey(event)) };
  }
  if (event.kind === 'LOG') return { ...event, place, message: storable(event.message) };
  const message = event.reason && storable(event.reason.message);
  return { kind: event.kind, place, state: event.state, reason_code: event.reason?.code, message };
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
  const rows: EventRow[] = await db.query(
    `/* experiment.events */ SELECT ${EVENT_COLUMNS} FROM experiment_event
     WHERE experiment_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
    [experimentUuid, afterSeq, limit],
  );
  return rows.map(toEvent);
}

/** How far the log goes and whether it will go further; null if the experiment is gone. */
export async function logHead(
  db: DataSource | EntityManager,
  experimentUuid: string,
): Promise<{ lastSeq: number; state: JobState } | null> {
  const rows: { last_seq: string; state: JobState }[] = await db.query(
    '/* experiment.head */ SELECT last_seq, state FROM experiment WHERE id = $1',
    [experimentUuid],
  );
  return rows[0] ? { lastSeq: Number(rows[0].last_seq), state: rows[0].state } : null;
}
