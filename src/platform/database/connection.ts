/**
 * A connection that is given up when the server does not answer in time. Without this, one whose other end has vanished
 * without a word (a pulled cable, a firewall that forgot it) waits for ever, and whoever asked with it.
 */
import type { Socket } from 'node:net';
import pg, { type PoolClient } from 'pg';
import type { EntityManager, QueryRunner } from 'typeorm';

/** What the way there and back may add to the time that a statement may take. */
const WAY_MS = 5_000;
/** Of a connection that is quiet: dead within 20 s (Node asks 10 times, a second apart). */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };
/** The same for the server's end; what it has sent and nobody has confirmed counts as well. */
export const SERVER_KEEP_ALIVE =
  '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=25000';

/** What of pg.Client its types do not name. */
interface Inside {
  connection: NodeJS.EventEmitter & { stream: Socket };
  /** False while the server owes an answer. */
  readyForQuery: boolean;
}

export class Connection extends pg.Client {
  /** That the server gives a statement; 0: as long as it takes. */
  private sessionMs: number;
  private transactionMs: number | null = null;

  constructor(private readonly config: pg.ClientConfig) {
    super(config);
    this.sessionMs = Number(config.statement_timeout ?? 0);
    const { connection } = this.inside;
    // Before, the time to connect is what counts.
    this.once('connect', () => {
      connection.stream.on('timeout', () => this.silent());
      this.wait();
    });
    // What was allowed for a transaction ends with it.
    connection.on('readyForQuery', ({ status }: { status: string }) => {
      if (status !== 'I' || this.transactionMs === null) return;
      this.transactionMs = null;
      this.wait();
    });
  }

  /** More time for the statements of the transaction that it is in. */
  async allow(ms: number): Promise<void> {
    await this.query(`SET LOCAL statement_timeout = ${ms}`);
    this.transactionMs = ms;
    this.wait();
  }

  /** More time for every statement; null: as it was at first. */
  async allowSession(ms: number | null): Promise<void> {
    await this.query(ms === null ? 'RESET statement_timeout' : `SET statement_timeout = ${ms}`);
    this.sessionMs = ms ?? Number(this.config.statement_timeout ?? 0);
    this.wait();
  }

  private wait(): void {
    const ms = this.transactionMs ?? this.sessionMs;
    this.inside.connection.stream.setTimeout(ms === 0 ? 0 : ms + WAY_MS);
  }

  private silent(): void {
    const { connection, readyForQuery } = this.inside;
    if (readyForQuery) return;
    // As the driver says it of a connection that broke by itself: see isDatabaseAway.
    connection.stream.destroy(new Error('Connection terminated: the server does not answer'));
  }

  private get inside(): Inside {
    return this as unknown as Inside;
  }
}

/** That the manager's transaction is on. */
export const connectionOf = async (of: EntityManager | QueryRunner): Promise<Connection & PoolClient> =>
  (await ('queryRunner' in of ? of.queryRunner! : (of as QueryRunner)).connect()) as Connection & PoolClient;
