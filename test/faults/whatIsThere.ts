/** What is in the database of a training, for comparing it with what is there of an undisturbed one, or was there before. */
import type { DataSource } from 'typeorm';
import { readEvents } from '../../src/experiments/events/log.js';

type Db = { db: DataSource };

export const eventsOf = ({ db }: Db, experimentUuid: string) => readEvents(db, experimentUuid, 0, 1000);

/** Its metrics, in order. */
export const curveOf = async (world: Db, experimentUuid: string): Promise<string[]> =>
  (await eventsOf(world, experimentUuid)).flatMap((event) =>
    'value' in event ? [`${event.step} ${event.name} ${event.split} ${event.value}`] : [],
  );

/** Codes of the reasons that its job has had. */
export const reasonsOf = async (world: Db, experimentUuid: string): Promise<string[]> =>
  (await eventsOf(world, experimentUuid)).flatMap((event) =>
    'reason' in event && event.reason ? [event.reason.code] : [],
  );

/** All that an attempt can write. */
export const everythingIn = ({ db }: Db): Promise<unknown[]> =>
  db.query(
    `SELECT j::text FROM job j UNION ALL SELECT e::text FROM experiment e UNION ALL SELECT a::text FROM artifact a
     UNION ALL SELECT v::text FROM experiment_event v ORDER BY 1`,
  );
