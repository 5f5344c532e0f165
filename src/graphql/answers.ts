/** Answers of subscriptions: an event that many watch is executed and written as JSON once for all who ask the same. */
import { execute, print, visit, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { ShingoError } from '../platform/error.js';
import type { Log } from '../platform/log.js';
import type { Context } from './context.js';
import { formatError } from './errors.js';

/** Answers by what was asked, of events that everybody sees alike; gone with the event. */
const known = new WeakMap<object, Map<string, Promise<string>>>();

/** Says that an event is plain data that never changes: its answer depends on the question alone, not on who asks. */
export function shared<T extends object>(event: T): T {
  known.set(event, new Map());
  return event;
}

/**
 * What makes two subscriptions answer one event alike: the operation, and those variables that are used below its
 * root field. Those of the root's arguments, such as a cursor, say which events come, not how they look.
 */
export function questionOf(
  document: DocumentNode,
  variables: Record<string, unknown> | null | undefined,
  operationName: string | null | undefined,
): string {
  const used = new Set<string>();
  let depth = 0;
  const note = { Variable: (node: { name: { value: string } }) => void used.add(node.name.value) };
  visit(document, {
    Field: {
      enter(field) {
        depth++;
        if (depth > 1) for (const argument of field.arguments ?? []) visit(argument, note);
        for (const directive of field.directives ?? []) visit(directive, note);
      },
      leave: () => void depth--,
    },
    FragmentDefinition: { enter: () => void depth++, leave: () => void depth-- },
    InlineFragment: (fragment) => fragment.directives?.forEach((directive) => visit(directive, note)),
    FragmentSpread: (spread) => spread.directives?.forEach((directive) => visit(directive, note)),
  });
  const below = [...used].sort().map((name) => [name, variables?.[name]]);
  return JSON.stringify([print(document), operationName, below]);
}

/** One event as this operation asks for it. */
export async function resultOf(args: ExecutionArgs, event: unknown, log: Log): Promise<ExecutionResult> {
  const result = await execute({ ...args, rootValue: event });
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => formatError(error, log)) as never };
}

/** As resultOf, as JSON. @param question of questionOf */
export function textOf(args: ExecutionArgs, question: string, event: unknown, log: Log): Promise<string> {
  const answer = async () => JSON.stringify(await resultOf(args, event, log));
  const answers = known.get(event as object);
  if (!answers) return answer();
  let text = answers.get(question);
  if (!text) answers.set(question, (text = answer()));
  return text;
}

/** Where to go on after this event, as a client may send it back. */
export function cursorOf(event: unknown): string | null {
  const { cursor, seq } = event as { cursor?: unknown; seq?: unknown };
  const at = cursor ?? seq;
  return typeof at === 'string' || typeof at === 'number' ? String(at) : null;
}

/** The number that Last-Event-ID says, else the one that was asked for. @throws ShingoError INVALID_CURSOR */
export function resumed<T extends number | null>({ resume }: Pick<Context, 'resume'>, asked: T): T | number {
  if (resume === undefined) return asked;
  if (/^\d{1,15}$/.test(resume)) return Number(resume);
  throw new ShingoError('INVALID_CURSOR', 'Last-Event-ID is not from this stream; start without one.');
}
