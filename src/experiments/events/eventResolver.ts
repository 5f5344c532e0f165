import { Arg, Ctx, ID, Int, Resolver, Root, Subscription } from 'type-graphql';
import { resumed } from '../../graphql/answers.js';
import type { Context } from '../../graphql/context.js';
import { ShingoError } from '../../platform/error.js';
import { experimentUuid } from '../experimentService.js';
import { LogRow, type ExperimentEvent } from './event.js';
import { followExperiment } from './follow.js';
import { MAX_RUNS, followMetrics, readCursor, type MetricsRequest } from './followMetrics.js';
import { ExperimentMetricsUpdate } from './metricsUpdate.js';

interface Following {
  args: { id: string; afterSeq: number };
  context: Context;
}

@Resolver()
export class EventResolver {
  @Subscription(() => LogRow, {
    description:
      'Every event after afterSeq, in order, none twice, then those to come; completes after DoneEvent.',
    subscribe: async ({ args, context }: Following) =>
      followExperiment(
        context,
        await experimentUuid(context.db, args.id),
        resumed(context, args.afterSeq),
        context.gone,
      ),
  })
  experimentEvents(
    @Root() event: ExperimentEvent,
    @Arg('id', () => ID, { description: 'Id, or "project name/experiment name".' }) _id: string,
    @Arg('afterSeq', () => Int, { defaultValue: 0 }) _afterSeq: number,
    @Ctx() _context: Context,
  ): LogRow {
    return event;
  }

  @Subscription(() => ExperimentMetricsUpdate, {
    description:
      'Several runs side by side: every metric after the cursor that passes the filters, then those to come; completes when all runs are over.',
    subscribe: async ({ args, context }: { args: MetricsArgs; context: Context }) =>
      followMetrics(context, await requestOf(context, args), context.gone),
  })
  experimentMetrics(
    @Root() update: ExperimentMetricsUpdate,
    @Arg('ids', () => [ID], { description: `1 to ${MAX_RUNS} ids, or "project name/experiment name".` })
    _ids: string[],
    @Arg('names', () => [String], { nullable: true, description: 'Missing: all.' })
    _names: string[] | null,
    @Arg('conditions', () => [String], {
      nullable: 'itemsAndList',
      description: 'null among them: every light of the split. Missing: all.',
    })
    _conditions: (string | null)[] | null,
    @Arg('afterSeq', () => Int, { defaultValue: 0, description: 'Of every run; `after` tells them apart.' })
    _afterSeq: number,
    @Arg('after', () => String, { nullable: true, description: '`cursor` of the last update.' })
    _after: string | null,
    @Arg('maxPointsPerSecond', () => Int, {
      nullable: true,
      description:
        'Thins what comes faster than this, or than the client reads; `dropped` says so. Missing: every point, however late.',
    })
    _maxPointsPerSecond: number | null,
  ): ExperimentMetricsUpdate {
    return update;
  }
}

interface MetricsArgs {
  ids: string[];
  names?: string[] | null;
  conditions?: (string | null)[] | null;
  afterSeq: number;
  after?: string | null;
  maxPointsPerSecond?: number | null;
}

/** @throws ShingoError NOT_FOUND, INVALID_CURSOR, BAD_USER_INPUT */
async function requestOf({ db, resume }: Context, args: MetricsArgs): Promise<MetricsRequest> {
  const { ids, names = null, conditions = null, afterSeq, maxPointsPerSecond = null } = args;
  if (ids.length > MAX_RUNS)
    throw new ShingoError('BAD_USER_INPUT', `At most ${MAX_RUNS} ids.`, 400, ['ids']);
  const after = resume ?? args.after;
  return {
    uuids: await Promise.all(ids.map((id) => experimentUuid(db, id, ['ids']))),
    after: after == null ? ids.map(() => afterSeq) : readCursor(after, ids.length),
    filter: { names, conditions },
    maxPointsPerSecond,
  };
}
