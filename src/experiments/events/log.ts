/**
 * The event log of an experiment: rows numbered 1, 2, 3, … without gaps. Whoever appends holds the lock of the
 * experiment's row until commit, so that numbers become visible in their order: a reader that has seen n has seen
 * every number below it, and "after n" means exactly the rest.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { hint } from '../../platform/hub.js';
import { EXPERIMENT_TOPIC, FINAL, type JobState } from '../../jobs/vocabulary.js';
import { EVENT_COLUMNS, toEvent, type EventRow, type ExperimentEvent, type NewEvent } from './event.js';

const MAX_MESSAGE = 2_000;

/**
 * Appends within the caller's transaction, which holds the experiment's row from here on.
 * @throws if the experiment is gone, or has ended: after DONE comes nothing
 */
export async function appendEvents(
  manager: EntityManager,
  experimentUuid: string,
  events: NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const inserted: { seq: string }[] = await manager.query(
    `/* experiment.append */ WITH head AS (
       UPDATE experiment SET last_seq = last_seq + $2 WHERE id = $1 AND state <> ALL ($4::text[])
       RETURNING last_seq - $2 AS before)
     INSERT INTO experiment_event (experiment_id, seq, kind, name, split, condition, step, value, n, lower, upper,
       method, state, reason_code, level, message)
     SELECT $1, head.before + e.place, e.kind, e.name, e.split, e.condition, e.step, e.value, e.n, e.lower, e.upper,
       e.method, e.state, e.reason_code, e.level, e.message
     FROM head, json_to_recordset($3::json) AS e (place int, kind text, name text, split text, condition text,
       step int, value double precision, n int, lower double precision, upper double precision, method text,
       state text, reason_code text, level text, message text)
     RETURNING seq`,
    [experimentUuid, events.length, JSON.stringify(events.map(toRow)), FINAL],
  );
  if (inserted.length !== events.length)
    throw new Error(`The log of experiment ${experimentUuid} is closed.`);
  await hint(manager, EXPERIMENT_TOPIC, experimentUuid);
}

function toRow(event: NewEvent, index: number): object {
  const place = index + 1;
  // JSON has no NaN; PostgreSQL reads it from text.
  if (event.kind === 'METRIC') return { ...event, place, value: String(event.value) };
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
