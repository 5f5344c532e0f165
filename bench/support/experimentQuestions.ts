/** What is asked of the experiments: each filter and order as the API has it, and as MLflow writes it in SQL. */
import type { Where } from '../../src/graphql/list/where.js';

export interface BenchFilter {
  name: string;
  /** @param versions global ids */
  where: (versions: string[]) => Where;
  /** @param versions UUIDs */
  sql: (versions: string[]) => string;
}

export interface BenchOrder {
  name: string;
  orderBy: object[];
  /** A subquery of the key that is ordered by. */
  join: string;
  sql: string;
}

const night = { name: { eq: 'accuracy' }, condition: { eq: 'night' } };
const series = (name: string, condition: string | null) =>
  `(SELECT id FROM metric_series WHERE name = '${name}' AND condition ${condition === null ? 'IS NULL' : `= '${condition}'`})`;
const metric = (name: string, condition: string | null, holds: string) =>
  `t.id IN (SELECT experiment_id FROM experiment_metric WHERE series_id = ${series(name, condition)} AND ${holds})`;
const parameter = (name: string, holds: string) =>
  `t.id IN (SELECT experiment_id FROM experiment_parameter WHERE name = '${name}' AND ${holds})`;
const tag = (name: string) => `t.id IN (SELECT experiment_id FROM experiment_tag WHERE tag = '${name}')`;
const tagged = (name: string): Where => ({ tags: { some: { tag: { eq: name } } } });
const given = (name: string, value: object): Where => ({
  parameters: { some: { name: { eq: name }, ...value } },
});

const filter = (name: string, where: Where, sql: string): BenchFilter => ({
  name,
  where: () => where,
  sql: () => sql,
});

export const FILTERS: BenchFilter[] = [
  filter('all', {}, 'true'),
  filter(
    'best at night > 0.99',
    { metrics: { some: { ...night, max: { gt: 0.99 } } } },
    metric('accuracy', 'night', 'max_value > 0.99'),
  ),
  filter(
    'best at night > 0.5',
    { metrics: { some: { ...night, max: { gt: 0.5 } } } },
    metric('accuracy', 'night', 'max_value > 0.5'),
  ),
  filter(
    'one batch size',
    given('batch_size', { number: { eq: 64 } }),
    parameter('batch_size', 'number = 64'),
  ),
  filter(
    'small learning rates',
    given('learning_rate', { number: { lt: 1.1e-5 } }),
    parameter('learning_rate', 'number < 1.1e-5'),
  ),
  filter(
    'a list contains 512',
    given('layers', { numbers: { contains: 512 } }),
    parameter('layers', 'numbers @> ARRAY[512::float8]'),
  ),
  filter(
    'rare tag and state',
    { ...tagged('keep'), state: { eq: 'FAILED' } },
    `${tag('keep')} AND t.state = 'FAILED'`,
  ),
  filter(
    'frequent tag and state',
    { ...tagged('night shift'), state: { eq: 'SUCCEEDED' } },
    `${tag('night shift')} AND t.state = 'SUCCEEDED'`,
  ),
  {
    name: 'one data set version',
    where: (versions) => ({ datasetVersionId: { eq: versions[3] } }),
    sql: (versions) => `t.dataset_version_id = '${versions[3]}'`,
  },
  filter(
    'and, or, not',
    {
      and: [
        { or: [{ metrics: { some: { ...night, last: { gte: 0.9 } } } }, tagged('baseline')] },
        { not: given('optimizer', { text: { eq: 'SGD' } }) },
        {
          not: {
            metrics: { some: { name: { eq: 'loss' }, condition: { isNull: true }, min: { lt: 0.25 } } },
          },
        },
      ],
    },
    `(${metric('accuracy', 'night', "last_value >= 0.9 AND last_value <> 'NaN'")} OR ${tag('baseline')})
       AND NOT ${parameter('optimizer', "text = 'SGD'")} AND NOT ${metric('loss', null, 'min_value < 0.25')}`,
  ),
  filter(
    'nothing',
    { metrics: { some: { ...night, max: { gt: 0.5 }, min: { lt: 0.1 } } } },
    metric('accuracy', 'night', 'max_value > 0.5 AND min_value < 0.1'),
  ),
];

const byMetric = (
  name: string,
  condition: string | null,
  which: 'last' | 'min' | 'max',
  direction: string,
): BenchOrder => ({
  name: `${which} ${name}${condition ? ` at ${condition}` : ''} ${direction}`,
  orderBy: [{ metric: { name, condition, which: which.toUpperCase() }, direction }],
  join: `LEFT JOIN (SELECT experiment_id, nullif(${which}_value, 'NaN') AS value FROM experiment_metric
    WHERE series_id = ${series(name, condition)}) o ON o.experiment_id = t.id`,
  sql: `CASE WHEN o.value IS NULL THEN 1 ELSE 0 END, o.value ${direction}, t.id ${direction}`,
});

export const ORDERS: BenchOrder[] = [
  { name: 'creation', orderBy: [{ field: 'CREATED', direction: 'DESC' }], join: '', sql: 't.id DESC' },
  byMetric('accuracy', 'night', 'max', 'DESC'),
  byMetric('loss', null, 'last', 'ASC'),
  {
    name: 'learning rate ASC',
    orderBy: [{ parameter: { name: 'learning_rate' }, direction: 'ASC' }],
    join: `LEFT JOIN (SELECT experiment_id, number AS value FROM experiment_parameter
      WHERE name = 'learning_rate') o ON o.experiment_id = t.id`,
    sql: 'CASE WHEN o.value IS NULL THEN 1 ELSE 0 END, o.value, t.id',
  },
  {
    name: 'end DESC',
    orderBy: [{ field: 'FINISHED_AT', direction: 'DESC' }],
    join: '',
    sql: 't.finished_at DESC, t.id DESC',
  },
];
