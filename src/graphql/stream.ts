/** A subscription as a client of either transport reads it: one event at a time, and none before there is room for it. */
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { questionOf, textOf } from './answers.js';
import type { Context } from './context.js';

/** Where the events of a subscription come from; or why there are none. */
export async function openSource(
  args: ExecutionArgs,
): Promise<AsyncIterableIterator<unknown, void> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  return Symbol.asyncIterator in source ? (source as AsyncIterableIterator<unknown, void>) : source;
}

export const isSource = (
  opened: AsyncIterableIterator<unknown, void> | ExecutionResult,
): opened is AsyncIterableIterator<unknown, void> => Symbol.asyncIterator in opened;

/** Takes one answer, as JSON. A promise: there is room again when it is kept. */
export type Deliver = (answer: string) => Promise<void> | void;

/**
 * Reads the events and hands over their answers, as fast as they are taken. What it gives its caller is only the end:
 * the library that speaks the protocol would write each answer as JSON anew for every client.
 */
export function delivering(
  source: AsyncIterableIterator<unknown, void>,
  args: ExecutionArgs & { variableValues?: Record<string, unknown> | null | undefined },
  deliver: Deliver,
): AsyncIterableIterator<ExecutionResult, void> {
  const { log } = args.contextValue as Context;
  const question = questionOf(args.document, args.variableValues, args.operationName);
  const end = async (): Promise<IteratorResult<ExecutionResult, void>> => {
    await source.return?.();
    return { done: true, value: undefined };
  };
  return {
    async next() {
      for (;;) {
        const { done, value } = await source.next();
        if (done) return { done: true, value: undefined };
        const full = deliver(await textOf(args, question, value, log));
        if (full) await full;
      }
    },
    return: end,
    throw: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
