import { Arg, Ctx, ID, Int, Resolver, Root, Subscription } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { experimentUuid } from '../experimentService.js';
import { ExperimentEventUnion, type ExperimentEvent } from './event.js';
import { followExperiment } from './follow.js';

interface Following {
  args: { id: string; afterSeq: number };
  context: Context;
}

@Resolver()
export class EventResolver {
  @Subscription(() => ExperimentEventUnion, {
    description:
      'Every event after afterSeq, in order, none twice, then those to come; completes after DoneEvent.',
    subscribe: async ({ args, context }: Following) =>
      followExperiment(context, await experimentUuid(context.db, args.id), args.afterSeq, context.gone),
  })
  experimentEvents(
    @Root() event: ExperimentEvent,
    @Arg('id', () => ID, { description: 'Id, or "project name/experiment name".' }) _id: string,
    @Arg('afterSeq', () => Int, { defaultValue: 0 }) _afterSeq: number,
    @Ctx() _context: Context,
  ): typeof ExperimentEventUnion {
    return event;
  }
}
