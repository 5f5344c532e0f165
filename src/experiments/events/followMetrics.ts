/** Several runs side by side: the metrics after each run's cursor, then those to come, until all of them are over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../../graphql/context.js';
import { toGlobalId } from '../../graphql/node.js';
import { persist } from '../../platform/database/persist.js';
import { EXPERIMENT_TOPIC, isFinal } from '../../jobs/vocabulary.js';
import { ShingoError } from '../../platform/error.js';
import { endable, type Hints } from '../../platform/hub.js';
import type { Metric } from '../metric.js';
import { logHeads, readMetrics, type LogHead, type MetricFilter } from './log.js';
import type { ExperimentMetricsUpdate } from './metricsUpdate.js';
import { thin } from './thin.js';

export const MAX_RUNS = 50;
/** Points of an update: what one slow reader makes the server hold. */
const PAGE = 500;
/** Points that a thinned update is made from, and how often one comes. */
const THINNED_PAGE = 10_000;
const THINNED_MS = 250;
const AWAY_MS = 60_000;

type Sources = Pick<Services, 'db' | 'hub' | 'log'>;

export interface MetricsRequest {
  /** 1 to MAX_RUNS different ones. */
  uuids: string[];
  /** One a run. */
  after: number[];
  filter: MetricFilter;
  /** Null: every point. */
  maxPointsPerSecond: number | null;
}

interface Run {
  uuid: string;
  index: number;
}

/** As an update's `cursor` says it. */
const writeCursor = (cursors: readonly number[]): string => cursors.join('.');

/** @throws ShingoError INVALID_CURSOR */
export function readCursor(cursor: string, runs: number): number[] {
  const cursors = cursor.split('.');
  if (cursors.length === runs && cursors.every((one) => /^\d{1,15}$/.test(one))) return cursors.map(Number);
  throw new ShingoError(
    'INVALID_CURSOR',
    'This cursor is of other runs; give the same ids in the same order, or start without one.',
    400,
    ['after'],
  );
}

/**
 * Every metric after each run's cursor that passes the filter, in order, none twice; then those to come; ends when all
 * runs are over, or the reader has gone. With `maxPointsPerSecond` a backlog is thinned, and each update says by how
 * much: a reader that takes its time gets fewer points of a longer stretch, and is never far behind.
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND
 */
export async function followMetrics(
  services: Sources,
  request: MetricsRequest,
  gone: AbortSignal,
): Promise<AsyncIterableIterator<ExperimentMetricsUpdate, void>> {
  const { uuids, after, maxPointsPerSecond: most } = request;
  if (uuids.length === 0 || uuids.length > MAX_RUNS || new Set(uuids).size < uuids.length)
    throw new ShingoError('BAD_USER_INPUT', `Give 1 to ${MAX_RUNS} different experiments.`, 400, ['ids']);
  if (most !== null && (most < 1 || most > 10_000))
    throw new ShingoError('BAD_USER_INPUT', 'maxPointsPerSecond is from 1 to 10,000.', 400, [
      'maxPointsPerSecond',
    ]);
  const heads = await logHeads(services.db, uuids);
  for (const [index, uuid] of uuids.entries()) {
    const last = heads.get(uuid)?.lastSeq ?? 0;
    if (after[index]! >= 0 && after[index]! <= last) continue;
    const message = `The cursor of run ${index + 1} is ${after[index]!}, but its log goes from 1 to ${last}; 0 is all of it.`;
    throw new ShingoError('BAD_USER_INPUT', message, 400, ['after']);
  }
  return endable(gone, (signal) => updates(services, request, signal));
}

async function* updates(
  services: Sources,
  request: MetricsRequest,
  signal: AbortSignal,
): AsyncGenerator<ExperimentMetricsUpdate, void> {
  const { db, hub, log } = services;
  const { uuids } = request;
  const hints = hub.listen(EXPERIMENT_TOPIC, uuids, signal);
  const cursors = [...request.after];
  let running: Run[] = uuids.map((uuid, index) => ({ uuid, index }));
  const question = `heads ${uuids.join(' ')}`;
  const pace = new Pace(request.maxPointsPerSecond);
  try {
    while (!hints.closed && running.length > 0) {
      const heads = await persist(log, () => hub.together(question, () => logHeads(db, uuids)), AWAY_MS);
      for (const run of running) {
        const head = heads.get(run.uuid) ?? null;
        yield* ofRun(services, request, { run, head, cursors, hints, pace });
        if (hints.closed) return;
        if (!head || isFinal(head.state)) running = running.filter((one) => one !== run);
      }
      if (running.length > 0) await hints.wait();
      await pace.wait(signal);
    }
  } finally {
    hints.close();
  }
}

/** What is new of one run, up to `head`. */
async function* ofRun(
  { db, hub, log }: Sources,
  { filter }: MetricsRequest,
  of: { run: Run; head: LogHead | null; cursors: number[]; hints: Hints; pace: Pace },
): AsyncGenerator<ExperimentMetricsUpdate, void> {
  const { run, head, cursors, hints, pace } = of;
  const { uuid, index } = run;
  const update = (points: Metric[], dropped: number, done: boolean): ExperimentMetricsUpdate => ({
    ...{ experimentId: toGlobalId('Experiment', uuid), points, dropped, done },
    ...{ seq: cursors[index]!, cursor: writeCursor(cursors), state: head?.state ?? null },
  });
  const over = !head || isFinal(head.state);
  while (head && cursors[index]! < head.lastSeq) {
    const after = cursors[index]!;
    const limit = pace.thinned ? THINNED_PAGE : PAGE;
    const page = await persist(
      log,
      () =>
        hub.together(`metrics ${uuid} ${after} ${limit} ${JSON.stringify(filter)}`, () =>
          readMetrics(db, uuid, { after, upTo: head.lastSeq, limit, filter }),
        ),
      AWAY_MS,
    );
    if (hints.closed) return;
    cursors[index] = page.length < limit ? head.lastSeq : page.at(-1)!.seq;
    const points = pace.thinned ? thin(page, pace.take()) : page;
    const last = over && cursors[index] >= head.lastSeq;
    yield update(points, page.length - points.length, last);
    if (last) return;
  }
  if (over) yield update([], 0, true);
}

/** How many points there may be, of a reader that wants no more than so many a second. */
class Pace {
  private last = -Infinity;
  private took = false;

  constructor(private readonly perSecond: number | null) {}

  get thinned(): boolean {
    return this.perSecond !== null;
  }

  /** Points for one update: as many as the time since the last one allows, and never more than a page. */
  take(): number {
    const seconds = Math.min(1, (performance.now() - this.last) / 1000);
    this.last = performance.now();
    this.took = true;
    return Math.max(1, Math.min(PAGE, Math.floor(seconds * (this.perSecond ?? PAGE))));
  }

  /** After updates were sent: until it is time for the next. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.thinned || !this.took) return;
    this.took = false;
    const left = THINNED_MS - (performance.now() - this.last);
    if (left > 0) await sleep(left, undefined, { signal }).catch(() => undefined);
  }
}
