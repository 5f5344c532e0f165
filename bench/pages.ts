/** Pages of a million images anywhere in the list, in every order, against OFFSET paging of the same pages. */
import type { DataSource } from 'typeorm';
import { conditionFilters } from '../src/catalog/condition/conditionService.js';
import { imageList } from '../src/catalog/image/image.js';
import { Direction, type OrderBy } from '../src/graphql/list/connection.js';
import { sortExpression } from '../src/graphql/list/fields.js';
import { list } from '../src/graphql/list/list.js';
import type { Where } from '../src/graphql/list/where.js';
import { toGlobalId } from '../src/graphql/node.js';
import { quantile, timed, type Benchmark } from './support/harness.js';
import { fillProject, openBenchDatabase } from './support/rows.js';
import { SEARCHES } from './support/searches.js';

const PAGE = 50;
const FIELDS = [
  'id',
  ...Object.entries(imageList.fields).flatMap(([name, field]) =>
    field.kind === 'column' && field.sortable ? [name] : [],
  ),
];
const ORDERS: OrderBy[] = FIELDS.flatMap((field) => [
  { field, direction: Direction.ASC },
  { field, direction: Direction.DESC },
]);
/** Unlike each other: as inserted, by time, by a number without ties, by one with many. */
const FILTERED_ORDERS = ORDERS.filter(
  ({ field, direction }) =>
    ['id', 'recordedAt', 'brightness', 'trafficLights'].includes(field) && direction === Direction.DESC,
);

export const bench: Benchmark = {
  title: 'A page of 50 anywhere among the images, by keyset against OFFSET',
  options: { images: 1_000_000, pages: 20 },
  targets: { 'unfiltered page p95 ms': { max: 10 } },
  run: async ({ images = 0, pages = 20 }, say) => {
    const { db, stop } = await openBenchDatabase();
    try {
      const project = await fillProject(db, images, say);
      const reader = new Reader(db, project);
      const ids = await anywhere(db, project, pages);
      const unfiltered = await everyOrder(reader, ids, images, say);
      return { ...unfiltered, ...(await everySearch(reader, ids.slice(0, 2), say)) };
    } finally {
      await stop();
    }
  },
};

/** Reads pages and keeps the time that their statement took. */
class Reader {
  private took = 0;

  constructor(
    private readonly db: DataSource,
    readonly project: string,
  ) {
    const query = db.query.bind(db);
    db.query = (async (...given: Parameters<DataSource['query']>) => {
      const start = performance.now();
      const answer = await query(...given);
      this.took = performance.now() - start;
      return answer;
    }) as typeof db.query;
  }

  async page(args: object, where?: Where): Promise<{ ids: string[]; cursor: string; ms: number }> {
    const condition = await conditionFilters(this.db, this.project, where);
    const { nodes, pageInfo } = await list(
      this.db,
      imageList,
      { ...args, where },
      { projectUuid: this.project, condition },
    );
    return { ids: nodes.map((node) => node.uuid), cursor: pageInfo.endCursor as string, ms: this.took };
  }

  /** The cursor of one image in an order, without walking there. */
  async cursor(uuid: string, orderBy: OrderBy[]): Promise<string> {
    const where = { id: { eq: toGlobalId('Image', uuid) } };
    return (await this.page({ first: 1, orderBy }, where)).cursor;
  }

  sql(statement: string, ...parameters: unknown[]): Promise<{ id: string; n: number }[]> {
    return this.db.query(statement, [this.project, ...parameters]);
  }
}

async function anywhere(db: DataSource, project: string, count: number): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `/* bench.anywhere */ SELECT id FROM (SELECT id, row_number() OVER (ORDER BY md5(id::text)) FROM image
       WHERE project_id = $1) r WHERE row_number <= $2`,
    [project, count],
  );
  return rows.map((row) => row.id);
}

/** Columns as they are: PostgreSQL itself has missing values as the largest. */
function plain({ field, direction }: OrderBy): { column: string; key: string; order: string } {
  const declared = imageList.fields[field];
  if (field === 'id' || declared?.kind !== 'column')
    return { column: 't.id', key: 't.id', order: `t.id ${direction}` };
  const order = (sql: string) => `${sql} ${direction}, t.id ${direction}`;
  return {
    column: order(declared.sql),
    key: sortExpression(declared),
    order: order(sortExpression(declared)),
  };
}

const plainOrder = (orderBy: OrderBy): string => {
  const { column, order } = plain(orderBy);
  return orderBy.field === 'id' ? order : column;
};

/** How many images stand before and at this one. */
async function rank(reader: Reader, uuid: string, orderBy: OrderBy): Promise<number> {
  const { key } = plain(orderBy);
  const compare = orderBy.direction === Direction.ASC ? '<=' : '>=';
  const keys = orderBy.field === 'id' ? 't.id' : `${key}, t.id`;
  const [row] = await reader.sql(
    `/* bench.rank */ SELECT count(*)::int AS n FROM image t WHERE project_id = $1
       AND (${keys}) ${compare} (SELECT ${keys} FROM image t WHERE id = $2)`,
    uuid,
  );
  return row?.n ?? 0;
}

async function everyOrder(reader: Reader, ids: string[], images: number, say: (line: string) => void) {
  const keyset: number[] = [];
  const backwards: number[] = [];
  const ratios: number[] = [];
  for (const orderBy of ORDERS) {
    const name = `${orderBy.field} ${orderBy.direction}`;
    const args = { first: PAGE, orderBy: [orderBy] };
    const cursors = await inTurn(ids, (id) => reader.cursor(id, args.orderBy));
    for (const cursor of cursors) await reader.page({ ...args, after: cursor });
    const taken = await inTurn(cursors, async (after) => (await reader.page({ ...args, after })).ms);
    taken.push((await reader.page(args)).ms, (await reader.page({ last: PAGE, orderBy: [orderBy] })).ms);
    const back = await inTurn(
      cursors,
      async (before) => (await reader.page({ last: PAGE, orderBy: [orderBy], before })).ms,
    );
    // The peer, with the same indexes, and the plain query: of two pages each.
    for (const [index, id] of ids.slice(0, 2).entries()) {
      const offset = await rank(reader, id, orderBy);
      const paging = `/* bench.offset */ SELECT t.* FROM image t WHERE project_id = $1
        ORDER BY ${plain(orderBy).order} OFFSET ${offset} LIMIT ${PAGE}`;
      const [peer = 0] = await timed(1, () => reader.sql(paging), 1);
      ratios.push(peer / (taken[index] as number));
      const expected = await reader.sql(
        `/* bench.plain */ SELECT t.id FROM image t WHERE project_id = $1
           ORDER BY ${plainOrder(orderBy)} OFFSET ${offset} LIMIT ${PAGE}`,
      );
      same(name, (await reader.page({ ...args, after: cursors[index] })).ids, expected);
    }
    keyset.push(...taken);
    backwards.push(...back);
    say(
      `${name}: median ${quantile(taken, 0.5).toFixed(2)} ms, worst ${Math.max(...taken).toFixed(1)} ms, ` +
        `OFFSET ${quantile(ratios.slice(-2), 0.5).toFixed(0)} to ${Math.max(...ratios.slice(-2)).toFixed(0)} times as long`,
    );
  }
  say(`${keyset.length + backwards.length} pages of ${images} images`);
  return {
    'unfiltered page p95 ms': quantile([...keyset, ...backwards], 0.95),
    'unfiltered page median ms': quantile([...keyset, ...backwards], 0.5),
    'OFFSET / keyset, median': quantile(ratios, 0.5),
  };
}

async function everySearch(reader: Reader, ids: string[], say: (line: string) => void) {
  const all: number[] = [];
  const medians: number[] = [];
  for (const [name, [where, sql]] of Object.entries(SEARCHES)) {
    const taken: number[] = [];
    for (const orderBy of FILTERED_ORDERS) {
      const args = { first: PAGE, orderBy: [orderBy] };
      const cursors = await inTurn(ids, (id) => reader.cursor(id, args.orderBy));
      for (const after of [undefined, ...cursors]) {
        await reader.page({ ...args, after }, where);
        taken.push((await reader.page({ ...args, after }, where)).ms);
      }
      const expected = await reader.sql(
        `/* bench.plain */ SELECT t.id FROM image t WHERE project_id = $1 AND ${sql}
           ORDER BY ${plainOrder(orderBy)} LIMIT ${PAGE}`,
      );
      same(name, (await reader.page(args, where)).ids, expected);
    }
    all.push(...taken);
    medians.push(quantile(taken, 0.5));
    say(
      `where ${name}: median ${quantile(taken, 0.5).toFixed(1)} ms, worst ${Math.max(...taken).toFixed(0)} ms`,
    );
  }
  return {
    'filtered page, median of filters ms': quantile(medians, 0.5),
    'filtered page p95 ms': quantile(all, 0.95),
    'filtered page, worst ms': Math.max(...all),
  };
}

/** @throws when the pages differ */
function same(what: string, found: string[], expected: { id: string }[]): void {
  const wanted = expected.map((row) => row.id);
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`${what}: the page differs: ${JSON.stringify([found.slice(0, 3), wanted.slice(0, 3)])}`);
}

async function inTurn<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const done: B[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}
