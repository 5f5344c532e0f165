/** The images that an enrichment goes through, page by page in the order of their ids. */
import type { DataSource, EntityManager } from 'typeorm';
import { compileWhere, Parameters, type Where } from '../../graphql/list/where.js';
import { conditionFilters } from '../condition/conditionService.js';
import { imageFields } from '../image/imageFields.js';
import type { Outcome } from './report.js';

export const FIRST = '00000000-0000-0000-0000-000000000000';

export interface Row {
  id: string;
  file_name: string;
  /** Null: only labels of the picture are here. */
  sha256: string | null;
}

/** What is to be written of an image, or why nothing is. */
export type Plan<W> =
  { row: Row; outcome: 'CHANGED'; write: W } | ({ row: Row } & Exclude<Outcome, { outcome: 'CHANGED' }>);

/** One kind of enrichment: looks at a page of images outside of any transaction, then writes what it saw. */
export interface Step<R extends Row, W> {
  phase: string;
  /** Images a page: as many as take a few seconds at most. */
  batch: number;
  /** SQL of its columns, beside those of `Row`; `t` is the image, `p` its picture, `l` its place. */
  columns: string;
  look(rows: R[], onLooked: () => void): Promise<Plan<W>[]>;
  /** A bounded number of statements. @returns ids of the images whose values are now those of the plan */
  write(manager: EntityManager, writes: W[]): Promise<string[]>;
}

export interface Pages {
  count(): Promise<number>;
  after<R extends Row>(id: string, columns: string, limit: number): Promise<R[]>;
}

/** @throws ShingoError FILTER_INVALID, CONDITION_UNKNOWN */
export async function pagesOf(
  db: DataSource,
  projectUuid: string,
  where: Where | null | undefined,
): Promise<Pages> {
  const condition = await conditionFilters(db, projectUuid, where);
  const restriction = (parameters: Parameters) =>
    `t.project_id = ${parameters.add(projectUuid, 'uuid')}
     AND ${compileWhere(imageFields(), where, { parameters, condition })}`;
  return {
    async count() {
      const parameters = new Parameters();
      const rows = await db.query(
        `/* enrichment.count */ SELECT count(*)::int AS n FROM image t WHERE ${restriction(parameters)}`,
        parameters.values,
      );
      return rows[0].n as number;
    },
    async after(id, columns, limit) {
      const parameters = new Parameters();
      const wanted = `${restriction(parameters)} AND t.id > ${parameters.add(id, 'uuid')}`;
      return db.query(
        `/* enrichment.page */ SELECT t.id, t.file_name, t.sha256, ${columns}
         FROM image t LEFT JOIN picture p ON p.sha256 = t.sha256 LEFT JOIN place l ON l.id = t.place_id
         WHERE ${wanted} ORDER BY t.id LIMIT ${limit}`,
        parameters.values,
      );
    },
  };
}

/** Project, place, image: the order in which everybody locks. See project/precedence. */
export async function lockImages(manager: EntityManager, ids: readonly string[]): Promise<void> {
  await manager.query(
    `/* enrichment.holdPrecedence */ SELECT 1 FROM project WHERE id IN (SELECT project_id FROM image WHERE id = ANY($1))
     FOR KEY SHARE`,
    [ids],
  );
  await manager.query(
    `/* enrichment.lockPlaces */ SELECT 1 FROM place WHERE id IN (SELECT place_id FROM image WHERE id = ANY($1))
     ORDER BY id FOR SHARE`,
    [ids],
  );
  await manager.query(
    '/* enrichment.lock */ SELECT 1 FROM image WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
    [ids],
  );
}

export const idsOf = (rows: { id: string }[]): string[] => rows.map(({ id }) => id);
