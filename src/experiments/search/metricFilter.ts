/** `where: {metrics: {some: …}}`: experiments by what a metric came to. */
import { Field, InputType } from 'type-graphql';
import { compileColumn } from '../../graphql/list/comparison.js';
import {
  FloatFilter,
  IntFilter,
  float,
  int,
  special,
  type SpecialContext,
} from '../../graphql/list/fields.js';
import type { Parameters, Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';
import { compileSeries, seriesFields, type Series } from './series.js';

/** A NaN is a missing value here: no comparison holds of it. In this form each has its index. */
export const SUMMARIES = {
  last: { value: 'last_value', known: "last_value <> 'NaN'" },
  min: { value: 'min_value', known: 'min_value IS NOT NULL' },
  max: { value: 'max_value', known: 'max_value IS NOT NULL' },
} as const;

const valueFields = {
  last: float(`t.${SUMMARIES.last.value}`),
  min: float(`t.${SUMMARIES.min.value}`),
  max: float(`t.${SUMMARIES.max.value}`),
  points: int('t.points'),
  lastStep: int('t.last_step'),
};
type ValueName = keyof typeof valueFields;
const VALUES = Object.keys(valueFields) as ValueName[];

@InputType({ description: 'One metric of the experiment: all fields must hold of the same one.' })
class MetricWhere {}
for (const [name, { filter }] of Object.entries(seriesFields))
  Field(() => filter() as never, {
    nullable: true,
    ...(name === 'condition' || name === 'class'
      ? { description: 'Missing: any; {isNull: true}: over all of them.' }
      : {}),
  })(MetricWhere.prototype, name);
const described = {
  last: 'Its newest value; NaN: missing.',
  min: 'Its smallest value; missing if all were NaN.',
  max: 'Its greatest value; missing if all were NaN.',
  points: 'How many values there are.',
  lastStep: 'Step of the newest value.',
};
for (const [name, description] of Object.entries(described)) {
  const filter = name === 'points' || name === 'lastStep' ? IntFilter : FloatFilter;
  Field(() => filter as never, { nullable: true, description })(MetricWhere.prototype, name);
}

@InputType()
class ExperimentMetricsFilter {
  @Field(() => MetricWhere, { nullable: true, description: 'At least one of them.' })
  some?: Where | null;
}

export const metricFilter = special({
  type: () => ExperimentMetricsFilter,
  description: 'By what its metrics came to.',
  exists: true,
  compile: (value, context) => compile((value as { some?: Where | null }).some ?? {}, context),
});

function compile(filter: Where, { parameters, alias, perRow, known, spend }: SpecialContext): string {
  const series = known?.get(filter) as Series[] | undefined;
  if (series?.length === 0) return 'false';
  const terms = [seriesTerm(filter, series, parameters)];
  for (const name of VALUES) {
    const asked = filter[name] as Where | null | undefined;
    if (!asked) continue;
    spend();
    terms.push(compileValue(name, asked, parameters, 'm'));
  }
  return `EXISTS (SELECT 1 FROM experiment_metric m WHERE m.experiment_id = ${alias}.id AND ${terms.join(' AND ')}${perRow ? ' OFFSET 0' : ''})`;
}

function seriesTerm(filter: Where, series: Series[] | undefined, parameters: Parameters): string {
  // Of a list of something else, a model's versions: looked up within.
  if (!series)
    return `m.series_id IN (SELECT ms.id FROM metric_series ms WHERE ${compileSeries(filter, parameters, 'ms')})`;
  const ids = series.map(({ id }) => id);
  // By `=` PostgreSQL knows that no experiment is found twice, and need not see to it (15 ms for 50,000).
  return ids.length === 1
    ? `m.series_id = ${parameters.add(ids[0], 'int')}`
    : `m.series_id = ANY (${parameters.add(ids, 'int[]')})`;
}

/** SQL that is true of the rows of `alias` whose value is as asked. @throws ShingoError FILTER_INVALID */
export function compileValue(name: ValueName, asked: Where, parameters: Parameters, alias: string): string {
  if (name === 'points' || name === 'lastStep')
    return compileColumn(name, valueFields[name], asked, parameters, alias);
  const { isNull, ...compared } = asked;
  if (isNull === null) throw new ShingoError('FILTER_INVALID', `${name}.isNull is true or false.`);
  const known = `${alias}.${SUMMARIES[name].known}`;
  const holds = compileColumn(name, valueFields[name], compared, parameters, alias);
  if (isNull === undefined) return Object.keys(compared).length === 0 ? 'true' : `(${known} AND ${holds})`;
  return isNull ? `((${known}) IS NOT TRUE AND ${holds})` : `(${known} AND ${holds})`;
}

/** Whether it asks nothing of the metric but this value. */
export const asksOnly = (filter: Where, value: keyof typeof SUMMARIES): boolean =>
  VALUES.every((name) => name === value || filter[name] == null);

/** The filters of metrics within a `where`, however deep. */
export function metricFilters(where: Where | null | undefined): Where[] {
  if (!where) return [];
  const own = (where.metrics as { some?: Where | null } | null | undefined)?.some;
  const inner = [...((where.and ?? []) as Where[]), ...((where.or ?? []) as Where[])];
  if (where.not) inner.push(where.not as Where);
  return [...(own ? [own] : []), ...inner.flatMap(metricFilters)];
}
