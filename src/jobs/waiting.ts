/** Why a job waits, as of now: worked out when it is asked for, so that it is true however hosts come and go. */
import type { DataSource } from 'typeorm';
import { PRESENT } from './host/hostService.js';
import { reasonOf, type Reason } from './vocabulary.js';

/** The first of these that holds is why. */
interface Row {
  id: string;
  held: boolean;
  /** No host that is there has the engine and all the labels. */
  unserved: boolean;
  engine: string;
  labels: string[];
  /** Those that no host has. */
  strange: string[];
  notBefore: Date | null;
  maxRunning: number | null;
}

/** Null of a job that does not wait. */
export async function whyWaiting(db: DataSource, jobUuids: readonly string[]): Promise<(Reason | null)[]> {
  const rows: Row[] = await db.query(
    `/* job.waiting */ WITH present AS (SELECT labels, engines FROM host WHERE ${PRESENT})
     SELECT t.id, t.held, t.requested_engine AS engine, t.required_labels AS labels,
       NOT EXISTS (SELECT FROM present p WHERE t.required_labels <@ p.labels
         AND (t.requested_engine = 'auto' OR t.requested_engine = ANY (p.engines))) AS unserved,
       ARRAY(SELECT label FROM unnest(t.required_labels) AS label
         WHERE NOT EXISTS (SELECT FROM present p WHERE label = ANY (p.labels))) AS strange,
       CASE WHEN t.not_before > clock_timestamp() THEN t.not_before END AS "notBefore",
       CASE WHEN l.max_running <= (SELECT count(*) FROM job r WHERE r.project_id = t.project_id
         AND r.state IN ('RUNNING', 'CANCELLING')) THEN l.max_running END AS "maxRunning"
     FROM job t LEFT JOIN job_limit l ON l.project_id = t.project_id WHERE t.id = ANY ($1) AND t.state = 'QUEUED'`,
    [jobUuids],
  );
  const found = new Map(rows.map((row) => [row.id, reasonOf(...why(row))]));
  return jobUuids.map((uuid) => found.get(uuid) ?? null);
}

function why({ held, unserved, engine, labels, strange, notBefore, maxRunning }: Row): [string, string] {
  if (held) return ['HELD', 'It waits for other jobs.'];
  if (unserved) return ['NO_HOST', noHost(engine, labels, strange)];
  if (notBefore) return ['RETRY_LATER', `After its crash it is tried again from ${notBefore.toISOString()} on.`];
  if (maxRunning !== null)
    return ['PROJECT_LIMIT', `As many jobs of its project run as may: ${maxRunning}.`];
  return ['NO_SLOT', 'Every slot that could take it is busy, or about to take it.'];
}

function noHost(engine: string, labels: string[], strange: string[]): string {
  const named = strange.length > 0 ? strange : labels;
  const label = named.length === 0 ? '' : `${named.length > 1 ? 'labels' : 'label'} ${named.join(', ')}`;
  const wanted = [...(strange.length === 0 && engine !== 'auto' ? [`engine ${engine}`] : []), label];
  const needs = wanted.filter(Boolean).join(' and ');
  return needs === '' ? 'No host is there: no worker runs.' : `No host with ${needs} is there.`;
}
