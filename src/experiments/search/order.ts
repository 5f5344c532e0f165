/** Orders by a metric or by a parameter: those that have it, along its index, and after them those that have not. */
import { Field, InputType, registerEnumType } from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';
import type { Direction, OrderBy, Orders } from '../../graphql/list/connection.js';
import type { Part } from '../../graphql/list/parts.js';
import type { Parameters, Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';
import { SUMMARIES } from './metricFilter.js';
import type { Series } from './series.js';

export enum Which {
  LAST = 'last',
  MIN = 'min',
  MAX = 'max',
}
registerEnumType(Which, {
  name: 'MetricValue',
  description: 'Of all values that a metric had: the newest, the smallest or the greatest.',
});

@InputType({ description: 'One metric: a name, and what it was measured on.' })
export class MetricKey {
  @Field(() => String)
  name: string;
  @Field(() => Split, {
    nullable: true,
    description: 'May be missing where the metric has one split only, or none.',
  })
  split?: Split | null;
  @Field(() => String, { nullable: true, description: 'Missing: over all of them.' })
  condition?: string | null;
  @Field(() => String, { nullable: true, description: 'Missing: over all of them.' })
  class?: string | null;
}

@InputType()
class MetricOrder extends MetricKey {
  @Field(() => Which)
  which: Which;
}

@InputType()
class ParameterOrder {
  @Field(() => String)
  name: string;
}

export const experimentOrders: Orders = {
  metric: {
    type: () => MetricOrder,
    description: 'Instead of a field. Experiments without it, or with NaN, come last in both directions.',
  },
  parameter: {
    type: () => ParameterOrder,
    description:
      'Instead of a field. First numbers, then texts, then booleans, each in the direction; lists and experiments without it come last.',
  },
};

export interface ExperimentOrder extends Partial<Pick<OrderBy, 'field'>> {
  direction: Direction;
  metric?: (MetricKey & { which: Which }) | null;
  parameter?: { name: string } | null;
}

/** The one order by something else than a field; null: by fields only. @throws ShingoError BAD_USER_INPUT */
export function orderBeside(orderBy: ExperimentOrder[] | null | undefined): ExperimentOrder | null {
  for (const { field, metric, parameter } of orderBy ?? []) {
    if ([field, metric, parameter].filter((one) => one != null).length === 1) continue;
    throw new ShingoError('BAD_USER_INPUT', 'An order is by one of field, metric and parameter.');
  }
  const beside = orderBy?.find(({ field }) => field == null);
  if (beside && orderBy && orderBy.length > 1)
    throw new ShingoError(
      'BAD_USER_INPUT',
      'An order by a metric or a parameter stands alone; ties go by the order of creation.',
    );
  return beside ?? null;
}

export const seriesOf = ({ name, split, condition, class: kind }: MetricKey): Where => ({
  name: { eq: name },
  ...(split == null ? {} : { split: { eq: split } }),
  condition: condition == null ? { isNull: true } : { eq: condition },
  class: kind == null ? { isNull: true } : { eq: kind },
});

/** @throws ShingoError BAD_USER_INPUT when the split decides and was not said */
export function theSeries({ name }: MetricKey, found: Series[]): Series | null {
  if (found.length <= 1) return found[0] ?? null;
  const whole = found.find(({ split }) => split === null);
  if (whole) return whole;
  const splits = found.map(({ split }) => split).sort();
  throw new ShingoError('BAD_USER_INPUT', `${name} has the splits ${splits.join(', ')}; say which.`);
}

/** Rows of a table that hold what is ordered by, at most one an experiment. */
interface Beside {
  table: string;
  /** Which of its rows, as `s`. */
  of: (parameters: Parameters) => string[];
  /** Its columns, one after the other; `known` is in the form that the index has. */
  values: { known: string; sql: string; sqlType: string }[];
  name: string;
}

function partsBeside(projectUuid: string, { table, of, values, name }: Beside, direction: Direction): Part[] {
  const parts = values.map(({ known, sql, sqlType }) => ({
    from: `${table} s JOIN experiment t ON t.id = s.experiment_id`,
    terms: (parameters: Parameters) => [...of(parameters), known],
    keys: [
      { sql, sqlType, direction },
      { sql: 's.experiment_id', sqlType: 'uuid', direction },
    ],
    name,
  }));
  const without = (parameters: Parameters) => {
    const chosen = of(parameters).join(' AND ');
    const counted = values.map(
      ({ known }) => `(SELECT count(*) FROM ${table} s WHERE ${chosen} AND ${known})`,
    );
    const project = parameters.add(projectUuid, 'uuid');
    return [
      // Mostly all have it, which two counts of an index say in 17 ms, of 100,000.
      `(SELECT count(*) FROM experiment WHERE project_id = ${project}) > ${counted.join(' + ')}`,
      // One for each value, each by the index of that value alone: 50 ms, not 100, of 100,000 that all have it.
      ...values.map(
        ({ known }) =>
          `NOT EXISTS (SELECT 1 FROM ${table} s WHERE s.experiment_id = t.id AND ${chosen} AND ${known})`,
      ),
    ];
  };
  return [...parts, restOf(direction, name, without)];
}

const restOf = (direction: Direction, name: string, terms?: Part['terms']): Part => ({
  ...{ from: 'experiment t', keys: [{ sql: 't.id', sqlType: 'uuid', direction }], name, terms },
  // Walked along the order of creation each would be asked for its metric by itself: 1.8 s, not 0.1, of 100,000.
  ...(terms ? { whole: true } : {}),
});

/** @param series null: no experiment has it */
export function metricParts(
  projectUuid: string,
  which: Which,
  series: Series | null,
  direction: Direction,
): Part[] {
  if (!series) return [restOf(direction, 'nothing')];
  const { value, known } = SUMMARIES[which];
  const of = (parameters: Parameters) => [`s.series_id = ${parameters.add(series.id, 'int')}`];
  const values = [{ known: `s.${known}`, sql: `s.${value}`, sqlType: 'double precision' }];
  return partsBeside(
    projectUuid,
    { table: 'experiment_metric', of, values, name: `${which} ${series.id}` },
    direction,
  );
}

const PARAMETER_VALUES = [
  { known: "s.number <> 'NaN'", sql: 's.number', sqlType: 'double precision' },
  { known: 's.text IS NOT NULL', sql: 'left(s.text, 200)', sqlType: 'text' },
  { known: 's.boolean IS NOT NULL', sql: 's.boolean', sqlType: 'boolean' },
];

export function parameterParts(name: string, projectUuid: string, direction: Direction): Part[] {
  const of = (parameters: Parameters) => [
    `s.project_id = ${parameters.add(projectUuid, 'uuid')}`,
    `s.name = ${parameters.add(name, 'text')}`,
  ];
  return partsBeside(
    projectUuid,
    { table: 'experiment_parameter', of, values: PARAMETER_VALUES, name },
    direction,
  );
}
