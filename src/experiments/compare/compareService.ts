import type { DataSource, EntityManager } from 'typeorm';
import { selectByKey } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { checkPoints, shareOf } from '../curves/curve.js';
import { MAX_SUMMARIES, selectSummaries, type MetricSummary, type SummaryFilter } from '../curves/summary.js';
import { thin } from '../curves/thin.js';
import { Experiment, Parameter } from '../experiment.js';
import { deleted, selectParameters } from '../experimentService.js';
import type { Metric } from '../metric.js';
import { theSeries, type MetricKey } from '../search/order.js';
import {
  Axis,
  ComparedCurve,
  ComparedMetric,
  ComparedParameter,
  ComparedPoint,
  ExperimentComparison,
} from './comparison.js';

type Db = DataSource | EntityManager;

export const MAX_COMPARED = 20;

/** Two statements. @throws ShingoError BAD_USER_INPUT, NOT_FOUND, EXPERIMENT_DELETED */
export async function compareExperiments(db: Db, uuids: string[]): Promise<ExperimentComparison> {
  if (uuids.length === 0 || uuids.length > MAX_COMPARED || new Set(uuids).size < uuids.length) {
    const message = `Compare 1 to ${MAX_COMPARED} experiments, each once.`;
    throw new ShingoError('BAD_USER_INPUT', message, 400, ['ids']);
  }
  const found = await selectByKey(db, Experiment, 'id', uuids);
  const experiments = uuids.flatMap((uuid) => found.get(uuid) ?? []);
  if (experiments.length < uuids.length)
    throw new ShingoError('NOT_FOUND', 'There is no such experiment among them.', 404, ['ids']);
  const gone = experiments.find(({ deletedAt }) => deletedAt);
  if (gone?.deletedAt) throw deleted(gone.deletedAt, ['ids']);
  const { differing, equal } = compareParameters(await selectParameters(db, uuids));
  return Object.assign(new ExperimentComparison(), {
    experiments,
    parameters: differing,
    equalParameters: equal,
  });
}

function compareParameters(given: Parameter[][]): { differing: ComparedParameter[]; equal: number } {
  const names = [...new Set(given.flat().map(({ name }) => name))].sort((a, b) => (a < b ? -1 : 1));
  const byName = given.map((own) => new Map(own.map((parameter) => [parameter.name, parameter])));
  const all = names.map((name) => ({ name, values: byName.map((own) => own.get(name) ?? null) }));
  const differing = all.filter(({ values }) => new Set(values.map((one) => JSON.stringify(one))).size > 1);
  return {
    differing: differing.map((one) => Object.assign(new ComparedParameter(), one)),
    equal: all.length - differing.length,
  };
}

/** By name, split, condition and class. One statement. @throws ShingoError BAD_USER_INPUT */
export async function compareMetrics(
  db: Db,
  uuids: readonly string[],
  { first, ...filter }: SummaryFilter,
): Promise<ComparedMetric[]> {
  if (first < 0 || first > MAX_SUMMARIES)
    throw new ShingoError('BAD_USER_INPUT', `first is 0 to ${MAX_SUMMARIES} metrics.`, 400, ['first']);
  const given = await selectSummaries(db, uuids, { ...filter, first: MAX_SUMMARIES });
  const keyOf = ({ name, split, condition, class: kind }: MetricSummary) =>
    JSON.stringify([name, split ?? '', condition ?? '', kind ?? '']);
  const byKey = given.map((own) => new Map(own.map((summary) => [keyOf(summary), summary])));
  const keys = [...new Set(given.flat().map(keyOf))].sort((a, b) => (a < b ? -1 : 1)).slice(0, first);
  return keys.map((key) => {
    const values = byKey.map((own) => own.get(key) ?? null);
    const { name, split, condition, class: kind } = values.find((one) => one !== null) as MetricSummary;
    return Object.assign(new ComparedMetric(), { name, split, condition, class: kind, values });
  });
}

export interface CurveQuestion {
  metric: MetricKey;
  axis: Axis;
  maxPoints: number;
}

/** At most four statements. @throws ShingoError BAD_USER_INPUT */
export async function compareCurves(
  db: Db,
  experiments: readonly Experiment[],
  { metric, axis, maxPoints }: CurveQuestion,
): Promise<ComparedCurve[]> {
  checkPoints(maxPoints);
  const found = await selectSummaries(
    db,
    experiments.map(({ uuid }) => uuid),
    {
      names: [metric.name],
      splits: metric.split == null ? null : [metric.split],
      conditions: [metric.condition ?? 'all'],
      classes: [metric.class ?? 'all'],
      first: MAX_SUMMARIES,
    },
  );
  const summaries = found.map((own) => {
    const series = theSeries(
      metric,
      own.map((one) => ({ ...one, id: one.seriesId })),
    );
    return own.find(({ seriesId }) => seriesId === series?.id) ?? null;
  });
  const known = summaries.filter((one) => one !== null);
  const points = await thin(db, known, shareOf(maxPoints, Math.max(1, known.length)));
  const pointsOf = new Map(known.map((summary, place) => [summary, points[place] ?? []]));
  return experiments.map((experiment, place) => {
    const summary = summaries[place];
    const own = summary ? (pointsOf.get(summary) ?? []) : [];
    const total = summary?.points ?? 0;
    const placed = onAxis(own, axis, experiment);
    return Object.assign(new ComparedCurve(), {
      experiment,
      total,
      thinned: own.length < total,
      points: placed,
    });
  });
}

function onAxis(metrics: Metric[], axis: Axis, { startedAt }: Experiment): ComparedPoint[] {
  const began = (startedAt ?? metrics[0]?.time)?.getTime() ?? 0;
  const x = ({ step, time }: Metric) => (axis === Axis.STEP ? step : (time.getTime() - began) / 1000);
  return metrics
    .map((metric) => Object.assign(new ComparedPoint(), { x: x(metric), value: metric.value, metric }))
    .sort((a, b) => a.x - b.x || a.metric.seq - b.metric.seq);
}
