/**
 * Delivery of messages (pg-boss on PostgreSQL): what is here knows nothing of what a message means.
 *
 * A message is a nudge, not a lease. Whoever takes one writes down in its own row, in the transaction that completes
 * the message, that the work is now its own; from then on that row says whether the work lives. Two leases for one
 * work would have to be kept in step, and a training outlives any expiry that is worth having.
 */
import { pino } from 'pino';
import { PgBoss, type ConnectionOptions } from 'pg-boss';
import type { DataSource, EntityManager } from 'typeorm';
import { hint } from './hub.js';
import type { Log } from './log.js';

export interface Message<T extends object> {
  id: string;
  data: T;
}

export interface Queue {
  /**
   * Sends within the caller's transaction: delivered if that commits, never otherwise.
   * @param key what the message is about; see `lacking`
   */
  send(
    manager: EntityManager,
    queue: string,
    key: string,
    data: object,
    options?: { priority?: number },
  ): Promise<void>;
  /** The next message, if any; complete or fail it soon, or it is delivered again. */
  fetch<T extends object>(queue: string): Promise<Message<T> | null>;
  /** Done with the message, if the caller's transaction commits. */
  complete(manager: EntityManager, queue: string, id: string): Promise<void>;
  /** Delivers the message again after a while, at most `RETRIES` times. */
  fail(queue: string, id: string, reason: string): Promise<void>;
  /** Those of `keys` that no message waits for or is being delivered for. */
  lacking(db: DataSource | EntityManager, queue: string, keys: string[]): Promise<string[]>;
  stop(): Promise<void>;
}

/** Topic of the hub that is hinted, with the queue's name as key, when a message is sent. */
export const QUEUE_TOPIC = 'queue';

const SCHEMA = 'pgboss';
const RETRIES = 5;
/** From fetch to complete is one transaction; a taker that needs longer is dead. */
const EXPIRE_SECONDS = 30;

interface Pool {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * Installs or upgrades pg-boss's own schema where needed, and makes the queues.
 * @param maintain true in processes that also work: expiry and archiving are theirs; an API process only sends
 */
export async function createQueue(
  db: DataSource,
  log: Log,
  options: { queues: string[]; maintain: boolean },
): Promise<Queue> {
  const pool = (db.driver as unknown as { master: Pool }).master;
  const boss = new PgBoss({
    schema: SCHEMA,
    db: { executeSql: (text, values) => pool.query(text, values) },
    supervise: options.maintain,
    schedule: false,
    maintenanceIntervalSeconds: 60,
  });
  // Without a listener an EventEmitter's error ends the process; maintenance tries again by itself.
  boss.on('error', (error) => log.warn({ err: error }, 'queue maintenance failed'));
  await boss.start();
  for (const name of options.queues) {
    await boss.createQueue(name, {
      retryLimit: RETRIES,
      retryDelay: 1,
      retryBackoff: true,
      expireInSeconds: EXPIRE_SECONDS,
      // A job may wait long for a free GPU.
      retentionSeconds: 365 * 86_400,
    });
  }
  const queue = new BossQueue(boss);
  opened.set(db, Promise.resolve(queue));
  return queue;
}

const opened = new WeakMap<DataSource, Promise<Queue>>();

/**
 * The queue that this process has on the database of the transaction. One that has none, such as the process of a task,
 * gets one that only sends, when it first needs it; it ends with the process.
 */
export function queueOn({ dataSource: db }: EntityManager): Promise<Queue> {
  const known = opened.get(db);
  if (known) return known;
  const log = pino({ level: 'warn' }, pino.destination(2));
  const made = createQueue(db, log, { queues: [], maintain: false });
  opened.set(db, made);
  made.catch(() => opened.delete(db));
  return made;
}

class BossQueue implements Queue {
  constructor(private readonly boss: PgBoss) {}

  async send(
    manager: EntityManager,
    queue: string,
    key: string,
    data: object,
    options: { priority?: number } = {},
  ) {
    await this.boss.send(queue, data, {
      singletonKey: key,
      priority: options.priority ?? 0,
      ...within(manager),
    });
    await hint(manager, QUEUE_TOPIC, queue);
  }

  async fetch<T extends object>(queue: string): Promise<Message<T> | null> {
    const [message] = await this.boss.fetch<T>(queue);
    return message ? { id: message.id, data: message.data } : null;
  }

  async complete(manager: EntityManager, queue: string, id: string) {
    await this.boss.complete(queue, id, {}, within(manager));
  }

  async fail(queue: string, id: string, reason: string) {
    await this.boss.fail(queue, id, { reason });
  }

  async lacking(db: DataSource | EntityManager, queue: string, keys: string[]): Promise<string[]> {
    const rows: { key: string }[] = await db.query(
      `/* queue.lacking */ SELECT key FROM unnest($2::text[]) AS wanted(key) WHERE NOT EXISTS (
         SELECT 1 FROM ${SCHEMA}.job j WHERE j.name = $1 AND j.singleton_key = wanted.key AND (j.state < 'active'
           OR (j.state = 'active' AND j.started_on > now() - make_interval(secs => $3))))`,
      [queue, keys, EXPIRE_SECONDS],
    );
    return rows.map((row) => row.key);
  }

  async stop() {
    await this.boss.stop({ graceful: false });
  }
}

/** pg-boss's statements go through the connection of the caller's transaction. */
function within(manager: EntityManager): ConnectionOptions {
  const runner = manager.queryRunner;
  if (!runner?.isTransactionActive) throw new Error('queue: a transaction is needed');
  return {
    db: {
      executeSql: async (text, values) => ({
        rows: (await runner.query(text, values, true)).records as never[],
      }),
    },
  };
}
