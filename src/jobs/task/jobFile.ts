/** What a job has made for people to fetch: blobs that have a name. */
import type { FastifyInstance } from 'fastify';
import { Field, Float, ObjectType } from 'type-graphql';
import type { DataSource, EntityManager } from 'typeorm';
import type { Services } from '../../graphql/context.js';
import { toGlobalId, uuidOf } from '../../graphql/node.js';
import { sendBlob } from '../../graphql/sendBlob.js';
import type { BlobStore } from '../../platform/blobs.js';
import { claimBlobs } from '../../platform/blobs/claim.js';
import { ShingoError } from '../../platform/error.js';

@ObjectType()
export class JobFile {
  @Field(() => String)
  name: string;
  @Field(() => String)
  mediaType: string;
  @Field(() => Float)
  bytes: number;
  @Field(() => String)
  sha256: string;
  @Field(() => String, { description: 'Path on this service; GET it, with Range if it broke off.' })
  url: string;
}

export interface NewJobFile {
  name: string;
  mediaType: string;
  bytes: number;
  sha256: string;
}

/** @throws ShingoError BLOB_BEING_REMOVED, BLOB_MISSING */
export async function putJobFiles(
  manager: EntityManager,
  blobs: BlobStore,
  jobUuid: string,
  files: NewJobFile[],
): Promise<void> {
  await claimBlobs(
    manager,
    blobs,
    files.map(({ sha256 }) => sha256),
  );
  await manager.query(
    `/* job.putFiles */ INSERT INTO job_file (job_id, name, sha256, bytes, media_type)
     SELECT $1, f.name, f.sha256, f.bytes, f."mediaType" FROM json_to_recordset($2::json)
       AS f (name text, sha256 text, bytes bigint, "mediaType" text)`,
    [jobUuid, JSON.stringify(files)],
  );
}

interface FileRow {
  job_id: string;
  name: string;
  sha256: string;
  bytes: string;
  media_type: string;
}

/** In the order of `jobUuids`; those of a job in the order of their names. */
export async function filesOfJobs(db: DataSource, jobUuids: readonly string[]): Promise<JobFile[][]> {
  const rows: FileRow[] = await db.query(
    `/* job.files */ SELECT job_id, name, sha256, bytes, media_type FROM job_file
     WHERE job_id = ANY ($1) ORDER BY name`,
    [jobUuids],
  );
  return jobUuids.map((uuid) => rows.filter((row) => row.job_id === uuid).map(fileOf));
}

const fileOf = (row: FileRow): JobFile =>
  Object.assign(new JobFile(), {
    name: row.name,
    mediaType: row.media_type,
    bytes: Number(row.bytes),
    sha256: row.sha256,
    url: `/jobs/${toGlobalId('Job', row.job_id)}/files/${encodeURIComponent(row.name)}`,
  });

/** GET /jobs/{id}/files/{name} */
export async function jobFileRoutes(app: FastifyInstance, { db, blobs }: Services): Promise<void> {
  app.get<{ Params: { id: string; name: string } }>('/jobs/:id/files/:name', async (request, reply) => {
    const { id, name } = request.params;
    const files = await filesOfJobs(db, [uuidOf('Job', id)]);
    const file = files[0]?.find((one) => one.name === name);
    if (!file) throw new ShingoError('NOT_FOUND', 'This job has no such file.', 404);
    return sendBlob(request, reply, blobs, { ...file, fileName: name });
  });
}
