/** Which series a filter or an order means: looked up before the list is read, so that PostgreSQL plans with them. */
import type { DataSource, EntityManager } from 'typeorm';
import { Split } from '../../catalog/vocabulary.js';
import { oneOf, text } from '../../graphql/list/fields.js';
import { Parameters, compileWhere, type Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';

/** A filter of metrics that are not named, of a project of thousands, is a mistake. */
const MAX_SERIES = 1000;

/** What a series is known by; a filter of metrics has its values beside them. */
export const seriesFields = {
  name: text('t.name'),
  split: oneOf('Split', Split, 't.split'),
  condition: text('t.condition'),
  class: text('t.class'),
};

export interface Series {
  id: number;
  name: string;
  split: Split | null;
  condition: string | null;
  class: string | null;
}

export const seriesPart = (filter: Where): Where =>
  Object.fromEntries(Object.entries(filter).filter(([name]) => name in seriesFields));

/** SQL that is true of the series of `alias` that the filter names. */
export const compileSeries = (filter: Where, parameters: Parameters, alias: string): string =>
  compileWhere(seriesFields, seriesPart(filter), { parameters }, alias);

/** The series of each filter. One statement. @throws ShingoError FILTER_INVALID */
export async function selectSeries(
  db: DataSource | EntityManager,
  projectUuid: string,
  filters: Where[],
): Promise<Series[][]> {
  if (filters.length === 0) return [];
  const parameters = new Parameters();
  const project = parameters.add(projectUuid, 'uuid');
  const each = filters.map(
    (filter, place) =>
      `(SELECT ${place} AS place, t.id, t.name, t.split, t.condition, t.class FROM metric_series t
        WHERE t.project_id = ${project} AND ${compileSeries(filter, parameters, 't')} LIMIT ${MAX_SERIES + 1})`,
  );
  const rows: (Series & { place: number })[] = await db.query(
    `/* experiment.series */ ${each.join(' UNION ALL ')}`,
    parameters.values,
  );
  const found = Map.groupBy(rows, ({ place }) => place);
  for (const { length } of found.values()) {
    if (length <= MAX_SERIES) continue;
    const message = `A filter of metrics may mean ${MAX_SERIES} series; say which by name, split, condition or class.`;
    throw new ShingoError('FILTER_INVALID', message);
  }
  return filters.map((_, place) => found.get(place) ?? []);
}
