/** What a resolver gets beside its arguments: the services, and loaders that batch reads within one tick. */
import DataLoader from 'dataloader';
import type { DataSource } from 'typeorm';
import type { BlobStore } from '../platform/blobs.js';
import type { Config } from '../platform/config.js';
import type { Hub } from '../platform/hub.js';
import type { Log } from '../platform/log.js';
import type { Partials } from '../platform/partials.js';
import type { Queue } from '../platform/queue.js';
import type { Signer } from '../platform/signer.js';
import { selectByKey } from './select.js';

/** What the process has: made once at start-up. */
export interface Services {
  config: Config;
  db: DataSource;
  blobs: BlobStore;
  /** Files that are on their way into the blob store. */
  partials: Partials;
  signer: Signer;
  queue: Queue;
  hub: Hub;
  log: Log;
}

/** What one operation has. */
export interface Context extends Services {
  load: Loaders;
  /** Who asks; see actorOf. */
  actor: string;
  /** Aborted when the client has gone: live reads end with it. */
  gone: AbortSignal;
  /** Last-Event-ID of an event stream that goes on: the cursor, instead of the one in the variables. */
  resume?: string | undefined;
}

type EntityClass<T> = abstract new (...args: never[]) => T;

export class Loaders {
  private readonly loaders = new Map<string, DataLoader<string, unknown>>();

  /** @param cache false for subscriptions, whose context lives long and must not serve old rows */
  constructor(
    private readonly db: DataSource,
    private readonly cache: boolean,
  ) {}

  /** The row of `entity` with this UUID, or null. */
  one<T extends object>(entity: EntityClass<T>, uuid: string | null | undefined): Promise<T | null> {
    if (uuid == null) return Promise.resolve(null);
    return this.batch(`one:${entity.name}`, (uuids) =>
      selectByKey(this.db, entity, 'id', uuids).then((rows) => uuids.map((id) => rows.get(id)?.[0] ?? null)),
    ).load(uuid);
  }

  /** The rows of `entity` whose `column` is this value, in the order `orderBy`. */
  many<T extends object>(entity: EntityClass<T>, column: string, key: string, orderBy = 'id'): Promise<T[]> {
    return this.batch(`many:${entity.name}:${column}`, (keys) =>
      selectByKey(this.db, entity, column, keys, orderBy).then((rows) =>
        keys.map((id) => rows.get(id) ?? []),
      ),
    ).load(key);
  }

  /** A batch of any other kind; `name` says what it loads, arguments included. */
  batch<V>(name: string, load: (keys: readonly string[]) => Promise<V[]>): DataLoader<string, V> {
    let loader = this.loaders.get(name);
    if (!loader) {
      loader = new DataLoader<string, unknown>(load, { cache: this.cache, maxBatchSize: 1000 });
      this.loaders.set(name, loader);
    }
    return loader as DataLoader<string, V>;
  }
}
