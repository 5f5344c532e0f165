/** Coverage as a dashboard keeps it: the cells once, then those that change, from the change log of the images. */
import { Field, ObjectType } from 'type-graphql';
import type { DataSource } from 'typeorm';
import { shared } from '../../graphql/answers.js';
import type { Services } from '../../graphql/context.js';
import { persist } from '../../platform/database/persist.js';
import { ShingoError } from '../../platform/error.js';
import { TICK_MS, endable, type Hints } from '../../platform/hub.js';
import { Coverage, coverage, type CoverageCell, type CoverageRequest } from './coverage.js';
import { coverageSince, isSnapshot } from './columns/sync.js';

const AWAY_MS = 60_000;
/** Images have no hints: a bulk import would wake everyone with each of its statements. One look serves all who watch. */
const TOPIC = 'coverage';

@ObjectType({
  description:
    'Cells to put in place of those with the same keys; what `coverage` would say at this moment, if all that came before was kept.',
})
export class CoverageChange {
  @Field(() => String, {
    description: 'Give it as `after` to go on, with the same `by`, `where` and `measure`.',
  })
  cursor: string;

  @Field(() => Boolean, {
    description:
      'The cells are all there are: forget the others. So is the first, and the first after a cursor that is older than 10 minutes or since which something has changed.',
  })
  whole: boolean;

  @Field(() => Coverage, {
    description: 'Its cells are those that changed, with 0 images where one is gone; its total is the whole.',
  })
  coverage: Coverage;
}

/**
 * The coverage, then what changes in it, looked for every 2 s; ends when the reader has gone, or the project. Several
 * changes between two looks are one. After a cursor nothing comes until something has changed.
 * @param after cursor of the last change that came; null: from the beginning
 * @throws ShingoError INVALID_CURSOR, and what `coverage` does
 */
export async function followCoverage(
  services: Pick<Services, 'db' | 'hub' | 'log' | 'config'>,
  projectUuid: string,
  { after, ...request }: CoverageRequest & { after: string | null },
  gone: AbortSignal,
): Promise<AsyncIterableIterator<CoverageChange, void>> {
  if (after !== null && !isSnapshot(after))
    throw new ShingoError('INVALID_CURSOR', 'This is no cursor of coverageChanges; start without one.', 400, [
      'after',
    ]);
  const watched = new Watched(services, projectUuid, request);
  // Wrong dimensions and filters are told at once, not when something changes.
  const first = after === null ? await watched.now() : null;
  if (first === null) await coverage(services.db, projectUuid, request, services.config.coverage);
  return endable(gone, (signal) => changes(services, watched, first, after, signal));
}

async function* changes(
  { hub, log }: Pick<Services, 'hub' | 'log'>,
  watched: Watched,
  first: CoverageChange | null,
  after: string | null,
  signal: AbortSignal,
): AsyncGenerator<CoverageChange, void> {
  const hints: Hints = hub.listen(TOPIC, watched.projectUuid, signal);
  let last = first;
  let cursor = first?.cursor ?? after ?? '';
  try {
    if (first) yield first;
    while (!hints.closed) {
      const since = await persist(log, () => watched.since(cursor), AWAY_MS);
      if (since === null) return;
      if (hints.closed) return;
      if (since) {
        const now = await persist(log, () => watched.now(), AWAY_MS);
        const change = last ? difference(last, now) : now;
        [last, cursor] = [now, now.cursor];
        if (change) yield change;
      }
      await hints.wait(TICK_MS);
    }
  } finally {
    hints.close();
  }
}

/** One question about one project; who asks it at the same moment is answered together. */
class Watched {
  private readonly question: string;

  constructor(
    private readonly services: Pick<Services, 'db' | 'hub' | 'config'>,
    readonly projectUuid: string,
    private readonly request: CoverageRequest,
  ) {
    this.question = `coverage ${projectUuid} ${JSON.stringify(request)}`;
  }

  /** The cursor is taken first: what changes between the two is looked at again, never missed. */
  now(): Promise<CoverageChange> {
    const { db, hub, config } = this.services;
    return hub.together(this.question, async () => {
      const [at]: { snapshot: string }[] = await db.query(
        '/* coverage.now */ SELECT pg_current_snapshot()::text AS snapshot',
      );
      const found = await coverage(db, this.projectUuid, this.request, config.coverage);
      return shared(
        Object.assign(new CoverageChange(), { cursor: at!.snapshot, whole: true, coverage: found }),
      );
    });
  }

  /** Whether anything may have changed since; null: the project is gone. */
  since(cursor: string): Promise<boolean | null> {
    const { db, hub } = this.services;
    // A condition is a filter that may be edited, which changes no image.
    if (/"(condition|CONDITION)"/.test(this.question)) return exists(db, this.projectUuid);
    return hub.together(`coverage ${this.projectUuid} since ${cursor}`, () =>
      coverageSince(db, this.projectUuid, cursor),
    );
  }
}

async function exists(db: DataSource, projectUuid: string): Promise<true | null> {
  const rows: unknown[] = await db.query('/* coverage.project */ SELECT 1 FROM project WHERE id = $1', [
    projectUuid,
  ]);
  return rows.length > 0 ? true : null;
}

/** What to change of `before` to have `after`; null: nothing. */
export function difference(before: CoverageChange, after: CoverageChange): CoverageChange | null {
  if (before.coverage === after.coverage) return null;
  const keyOf = ({ keys }: CoverageCell) => JSON.stringify(keys);
  const old = new Map(before.coverage.cells.map((cell) => [keyOf(cell), cell]));
  const cells: CoverageCell[] = [];
  for (const cell of after.coverage.cells) {
    const was = old.get(keyOf(cell));
    old.delete(keyOf(cell));
    if (JSON.stringify(was) !== JSON.stringify(cell)) cells.push(cell);
  }
  const zero = (value: number | null) => (value === null ? null : 0);
  for (const cell of old.values())
    cells.push({
      ...{ keys: cell.keys, images: 0, lights: 0 },
      ...{ objects: zero(cell.objects), places: zero(cell.places), drives: zero(cell.drives) },
    });
  const { total, moreCells } = after.coverage;
  if (cells.length === 0 && total === before.coverage.total && moreCells === before.coverage.moreCells)
    return null;
  return Object.assign(new CoverageChange(), {
    cursor: after.cursor,
    whole: false,
    coverage: { ...after.coverage, cells },
  });
}
