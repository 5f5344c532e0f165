/** Goes through images, a page a transaction, and writes down what became of each. */
import type { Where } from '../../graphql/list/where.js';
import type { TaskContext } from '../../platform/task.js';
import { FIRST, pagesOf, type Plan, type Row, type Step } from './pages.js';
import { withImage, type WalkReport } from './report.js';

export interface WalkCheckpoint<Report extends WalkReport> {
  /** UUID of the last image that is done. */
  after: string;
  total: number;
  report: Report;
}

export interface WalkOptions<Report extends WalkReport, W> {
  projectUuid: string;
  /** ImageWhere; missing: every image of the project. */
  where?: Where | null;
  empty(): Report;
  /** What the report says of an image that was written, beside that it has changed. */
  noted(this: void, report: Report, write: W): Report;
}

/**
 * In the order of the images' ids. Doing it again changes nothing; an attempt that was cut off goes on behind its last
 * page.
 * @throws ShingoError FILTER_INVALID, CONDITION_UNKNOWN; the signal's reason
 */
export async function walk<R extends Row, W, Report extends WalkReport>(
  task: TaskContext<WalkCheckpoint<Report>>,
  step: Step<R, W>,
  options: WalkOptions<Report, W>,
): Promise<Report> {
  const pages = await pagesOf(task.db, options.projectUuid, options.where);
  const total = task.checkpoint?.total ?? (await pages.count());
  let report = task.checkpoint?.report ?? options.empty();
  let after = task.checkpoint?.after ?? FIRST;
  task.progress(step.phase, report.images, total);
  for (;;) {
    task.signal.throwIfAborted();
    const rows = await pages.after<R>(after, step.columns, step.batch);
    const last = rows.at(-1);
    if (!last) return report;
    after = last.id;
    const before = report;
    let looked = before.images;
    const plans = await step.look(rows, () => task.progress(step.phase, ++looked, total));
    task.signal.throwIfAborted();
    const writes = plans.flatMap((plan) => (plan.outcome === 'CHANGED' ? [plan.write] : []));
    // Kept with the transaction is what it is about to write; what others were faster with is taken off afterwards.
    const written = await task.transaction(
      async (manager) => new Set(writes.length > 0 ? await step.write(manager, writes) : []),
      { after, total, report: reported(before, plans, options, () => true) },
    );
    report = reported(before, plans, options, (id) => written.has(id));
    task.progress(step.phase, report.images, Math.max(total, report.images));
  }
}

function reported<W, Report extends WalkReport>(
  before: Report,
  plans: readonly Plan<W>[],
  { noted }: WalkOptions<Report, W>,
  isWritten: (id: string) => boolean,
): Report {
  return plans.reduce((report, plan) => {
    if (plan.outcome !== 'CHANGED') return withImage(report, plan.row, plan);
    if (!isWritten(plan.row.id))
      return withImage(report, plan.row, { outcome: 'SKIPPED', reason: 'CHANGED_MEANWHILE' });
    return noted(withImage(report, plan.row, plan), plan.write);
  }, before);
}
