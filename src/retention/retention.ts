/** How long a project keeps what nobody needs any more. */
import type { DataSource, EntityManager } from 'typeorm';
import { Field, Int, ObjectType } from 'type-graphql';
import type { Loaders } from '../graphql/context.js';
import { ShingoError } from '../platform/error.js';

type Db = DataSource | EntityManager;

@ObjectType({ description: 'After how many days what goes; the nightly purge looks at it.' })
export class Retention {
  @Field(() => Int, { description: 'From the deletion of an experiment to its purge.' })
  deletedDays: number;

  @Field(() => Int, {
    nullable: true,
    description: 'From the end of a FAILED experiment, that nothing stands on, to its deletion; null: never.',
  })
  failedDays: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'From the end of a training to the loss of the state that it could go on from; best and last weights stay. Null: never.',
  })
  checkpointDays: number | null;
}

export const DEFAULT_RETENTION = { deletedDays: 30, failedDays: null, checkpointDays: null };
const MOST_DAYS = 3650;

export const retentionOf = (load: Loaders, db: Db, projectUuid: string): Promise<Retention> =>
  load.batch('retention', (uuids) => selectRetentions(db, uuids)).load(projectUuid);

export async function selectRetentions(db: Db, projectUuids: readonly string[]): Promise<Retention[]> {
  const rows: (Retention & { id: string })[] = await db.query(
    `/* retention.of */ SELECT project_id AS id, deleted_days AS "deletedDays", failed_days AS "failedDays",
       checkpoint_days AS "checkpointDays" FROM retention WHERE project_id = ANY ($1)`,
    [projectUuids],
  );
  const found = new Map(rows.map(({ id, ...row }) => [id, row]));
  return projectUuids.map((uuid) => found.get(uuid) ?? DEFAULT_RETENTION);
}

/** @throws ShingoError BAD_USER_INPUT */
export async function setRetention(db: Db, projectUuid: string, retention: Retention): Promise<void> {
  const { deletedDays, failedDays, checkpointDays } = retention;
  for (const [name, days] of Object.entries({ deletedDays, failedDays, checkpointDays })) {
    const least = name === 'deletedDays' ? 0 : 1;
    if (days === null || (days >= least && days <= MOST_DAYS)) continue;
    throw new ShingoError('BAD_USER_INPUT', `${name} is ${least} to ${MOST_DAYS} days.`, 400, [name]);
  }
  await db.query(
    `/* retention.set */ INSERT INTO retention (project_id, deleted_days, failed_days, checkpoint_days) VALUES ($1, $2, $3, $4)
     ON CONFLICT (project_id) DO UPDATE SET deleted_days = $2, failed_days = $3, checkpoint_days = $4`,
    [projectUuid, deletedDays, failedDays, checkpointDays],
  );
}
