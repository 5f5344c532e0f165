/** The rows of an experiment, table by table, in slices: a transaction of a few hundred milliseconds holds up nobody. */
import type { EntityManager } from 'typeorm';

const OF_EVALUATION = 'evaluation_id IN (SELECT id FROM evaluation WHERE experiment_id = ANY ($1))';
const OF_EXPERIMENT = 'experiment_id = ANY ($1)';
/** Also the import of predictions that were logged for it. */
const ITS_JOB = `(${OF_EXPERIMENT} OR ${OF_EVALUATION})`;
const OF_JOB = `job_id IN (SELECT id FROM job WHERE ${ITS_JOB})`;

/** What may be millions of rows goes first, in slices; $1: experiments. */
const SLICED = {
  evaluation_prediction: OF_EVALUATION,
  evaluation_image: OF_EVALUATION,
  evaluation_cell: OF_EVALUATION,
  evaluation_condition: OF_EVALUATION,
  job_system: OF_JOB,
  experiment_event: OF_EXPERIMENT,
  metric_block: OF_EXPERIMENT,
  experiment_metric: OF_EXPERIMENT,
  experiment_batch: OF_EXPERIMENT,
} as const;

/** What is left goes with the experiment itself, in one transaction and in this order. */
const LAST = {
  job_file: OF_JOB,
  sweep_trial: OF_EXPERIMENT,
  job: ITS_JOB,
  evaluation: OF_EXPERIMENT,
  artifact: OF_EXPERIMENT,
  experiment_parameter: OF_EXPERIMENT,
  experiment_tag: OF_EXPERIMENT,
  experiment_note: OF_EXPERIMENT,
  experiment: 'id = ANY ($1)',
} as const;

const TABLES: Record<string, string> = { ...SLICED, ...LAST };
export const SLICED_TABLES = Object.keys(SLICED);

/** Rows by table; those that have none are missing. */
export type RowCounts = Record<string, number>;

export const sumOf = (counts: RowCounts): number =>
  Object.values(counts).reduce((sum, rows) => sum + rows, 0);

export function add(counts: RowCounts, more: RowCounts): void {
  for (const [table, rows] of Object.entries(more)) if (rows > 0) counts[table] = (counts[table] ?? 0) + rows;
}

/** Of all these experiments, in one statement. */
export async function countRows(db: Pick<EntityManager, 'query'>, experiments: string[]): Promise<RowCounts> {
  const columns = Object.entries(TABLES).map(
    ([table, of]) => `(SELECT count(*) FROM ${table} WHERE ${of})::float8 AS ${table}`,
  );
  const [row]: [RowCounts] = await db.query(`/* purge.count */ SELECT ${columns.join(', ')}`, [experiments]);
  return Object.fromEntries(Object.entries(row).filter(([, rows]) => rows > 0));
}

/** At most `limit` rows of one of SLICED_TABLES. Returns how many went. */
export async function deleteSlice(
  manager: EntityManager,
  table: string,
  experiment: string,
  limit: number,
): Promise<number> {
  const [, rows]: [unknown, number] = await manager.query(
    `/* purge.slice */ DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM ${table} WHERE ${TABLES[table]} LIMIT $2))`,
    [[experiment], limit],
  );
  return rows;
}

/** What is left of it, and the experiment. */
export async function deleteRest(manager: EntityManager, experiment: string): Promise<RowCounts> {
  const counts: RowCounts = {};
  for (const [table, of] of Object.entries(LAST)) {
    const [, rows]: [unknown, number] = await manager.query(
      `/* purge.rest */ DELETE FROM ${table} WHERE ${of}`,
      [[experiment]],
    );
    add(counts, { [table]: rows });
  }
  return counts;
}

/** Of every reference to a blob that goes with the experiments: one that is there twice is there twice. */
export async function digestsOf(db: Pick<EntityManager, 'query'>, experiments: string[]): Promise<string[]> {
  const rows: { sha256: string }[] = await db.query(
    `/* purge.digests */ SELECT sha256 FROM artifact WHERE ${OF_EXPERIMENT}
     UNION ALL SELECT sha256 FROM job_file WHERE ${OF_JOB}
     UNION ALL SELECT * FROM (SELECT DISTINCT ON (job.id, files.value) files.value
       FROM job CROSS JOIN LATERAL jsonb_each_text(checkpoint->'files') files WHERE ${ITS_JOB}) kept`,
    [experiments],
  );
  return rows.map(({ sha256 }) => sha256);
}
