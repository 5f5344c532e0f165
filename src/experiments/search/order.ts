/** What experiments can be ordered by beside their fields: a metric or a parameter. */
import { Field, InputType, registerEnumType } from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';
import type { Direction, OrderBy, Orders } from '../../graphql/list/connection.js';
import type { Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';
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
