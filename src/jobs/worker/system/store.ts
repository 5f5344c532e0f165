/** Samples of running jobs in the database: at most some 600 a job, however long it runs. */
import type { DataSource, EntityManager } from 'typeorm';
import { updateJob } from '../../change.js';
import { fenced, type Lease } from '../fence.js';
import type { Sample } from './sample.js';

/** Of those that are older than the newest so many, about so many are left. */
const NEWEST = 240;
export const THIN_EVERY = 60;

/** Pushed to whoever watches the jobs of the project. @throws FenceLost */
export async function storeSample(db: DataSource, lease: Lease, sample: Sample): Promise<void> {
  const { gpu } = sample;
  await fenced(db, lease, async (manager, job) => {
    await manager.query(
      `/* job.sample */ INSERT INTO job_system (job_id, time, attempt, cpu_percent, memory_bytes, disk_bytes,
         disk_free_bytes, host_cpu_percent, host_memory_bytes, host_memory_total_bytes, gpu_percent, gpu_memory_bytes,
         gpu_memory_total_bytes) VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
       ON CONFLICT DO NOTHING`,
      [
        ...[job.uuid, lease.attempt, sample.cpuPercent],
        ...[sample.memoryBytes, sample.diskUsedBytes, sample.diskFreeBytes].map(whole),
        ...[sample.hostCpuPercent, whole(sample.hostMemoryBytes), whole(sample.hostMemoryTotalBytes)],
        ...[gpu?.percent, whole(gpu?.memoryBytes), whole(gpu?.memoryTotalBytes)],
      ],
    );
    await updateJob(manager, job, {});
  });
}

const whole = (value: number | null | undefined): number | null => (value == null ? null : Math.round(value));

/** Of old samples that lie close together, that with the most memory stays. */
export async function thinSamples(db: DataSource | EntityManager, jobUuid: string): Promise<void> {
  await db.query(
    `/* job.thinSamples */ WITH old AS (
       SELECT time, memory_bytes FROM job_system WHERE job_id = $1 ORDER BY time DESC OFFSET ${NEWEST}),
     spread AS (SELECT time, memory_bytes, width_bucket(extract(epoch FROM time), extract(epoch FROM min(time) OVER ()),
       extract(epoch FROM max(time) OVER ()) + 1, ${NEWEST}) AS place FROM old),
     ranked AS (SELECT time, row_number() OVER (PARTITION BY place ORDER BY memory_bytes DESC, time) AS rank FROM spread)
     DELETE FROM job_system WHERE job_id = $1 AND time IN (SELECT time FROM ranked WHERE rank > 1)`,
    [jobUuid],
  );
}

export interface SystemRow {
  jobUuid: string;
  time: Date;
  attempt: number;
  cpuPercent: number;
  memoryBytes: number;
  diskUsedBytes: number | null;
  diskFreeBytes: number | null;
  hostCpuPercent: number | null;
  hostMemoryBytes: number | null;
  hostMemoryTotalBytes: number | null;
  gpuPercent: number | null;
  gpuMemoryBytes: number | null;
  gpuMemoryTotalBytes: number | null;
}

/** In order of time, at most `maxPoints` a job: of neighbours, that with the most memory; always the newest. */
export async function samplesOf(
  db: DataSource,
  jobUuids: readonly string[],
  maxPoints: number,
): Promise<SystemRow[][]> {
  const rows: SystemRow[] = await db.query(
    `/* job.samples */ SELECT DISTINCT ON (job_id, place) job_id AS "jobUuid", time, attempt,
       cpu_percent AS "cpuPercent", memory_bytes AS "memoryBytes", disk_bytes AS "diskUsedBytes",
       disk_free_bytes AS "diskFreeBytes", host_cpu_percent AS "hostCpuPercent",
       host_memory_bytes AS "hostMemoryBytes", host_memory_total_bytes AS "hostMemoryTotalBytes",
       gpu_percent AS "gpuPercent", gpu_memory_bytes AS "gpuMemoryBytes",
       gpu_memory_total_bytes AS "gpuMemoryTotalBytes"
     FROM (SELECT *, ntile($2) OVER (PARTITION BY job_id ORDER BY time) AS place,
         row_number() OVER (PARTITION BY job_id ORDER BY time DESC) AS age
       FROM job_system WHERE job_id = ANY ($1)) AS placed
     ORDER BY job_id, place, age <> 1, memory_bytes DESC`,
    [jobUuids, maxPoints],
  );
  const found = Map.groupBy(rows, ({ jobUuid }) => jobUuid);
  return jobUuids.map((uuid) =>
    (found.get(uuid) ?? []).sort((one, other) => one.time.getTime() - other.time.getTime()),
  );
}
