/** A page of experiments in any order. At most one statement looks up series, one is sent a part of the order. */
import type { DataSource } from 'typeorm';
import type { Connection, PageArguments } from '../../graphql/list/connection.js';
import { list } from '../../graphql/list/list.js';
import type { Where } from '../../graphql/list/where.js';
import { DeletedExperiments, SHOWN } from '../deletion/shown.js';
import { experimentList, type Experiment } from '../experiment.js';
import { metricFilters } from './metricFilter.js';
import { orderBeside, seriesOf, theSeries } from './order.js';
import { metricParts, parameterParts } from './orderParts.js';
import { selectSeries, type Series } from './series.js';

/** @throws ShingoError BAD_USER_INPUT, FILTER_INVALID, INVALID_CURSOR */
export async function listExperiments(
  db: DataSource,
  projectUuid: string,
  page: PageArguments,
  deleted = DeletedExperiments.EXCLUDE,
): Promise<Connection<Experiment>> {
  const order = orderBeside(page.orderBy);
  const filters = metricFilters(page.where);
  const metric = order?.metric;
  const found = await selectSeries(db, projectUuid, [...filters, ...(metric ? [seriesOf(metric)] : [])]);
  const known = new Map<object, unknown>(filters.map((filter: Where, place) => [filter, found[place]]));
  const scope = { projectUuid, known, own: SHOWN[deleted] };
  if (!order) return list(db, experimentList, page, scope);
  const parts = metric
    ? metricParts(metric.which, theSeries(metric, found.at(-1) ?? []), order.direction, {
        where: page.where,
        seriesOf: (some) => known.get(some) as Series[],
      })
    : parameterParts(order.parameter?.name ?? '', projectUuid, order.direction, page.where);
  return list(db, experimentList, { ...page, orderBy: null }, { ...scope, parts });
}
