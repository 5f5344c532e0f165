/** Enrichment: what can be worked out of images that are here, long after they came. */
import type { Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import { objects, type ObjectOptions, type ObjectWrite } from './objects.js';
import { FIRST, pagesOf, type Plan, type Row, type Step } from './pages.js';
import { darkness, perceptualHashes } from './pixels.js';
import { emptyReport, EnrichmentKind, withImage, withObjects, type EnrichmentReport } from './report.js';
import { sunAltitudes } from './sunAltitudes.js';

export interface EnrichOptions extends ObjectOptions {
  projectUuid: string;
  kind: EnrichmentKind;
  /** ImageWhere; missing: every image of the project. */
  where?: Where | null;
}

export interface EnrichCheckpoint {
  /** UUID of the last image that is done. */
  after: string;
  total: number;
  report: EnrichmentReport;
}

/**
 * Goes through the images in the order of their ids, a page a transaction. Doing it again changes nothing; an attempt
 * that was cut off goes on behind its last page.
 * @throws ShingoError BAD_USER_INPUT, FILTER_INVALID, CONDITION_UNKNOWN; TrainingError ENGINE_UNAVAILABLE, MODEL_INVALID;
 *   the signal's reason
 */
export async function enrich(
  task: TaskContext<EnrichCheckpoint>,
  options: EnrichOptions,
): Promise<EnrichmentReport> {
  checkEnrichment(options);
  switch (options.kind) {
    case EnrichmentKind.DARKNESS:
      return through(task, darkness(task.blobs, task.signal), options);
    case EnrichmentKind.PERCEPTUAL_HASH:
      return through(task, perceptualHashes(task.blobs, task.signal), options);
    case EnrichmentKind.SUN_ALTITUDE:
      return through(task, sunAltitudes, options);
    case EnrichmentKind.OBJECTS: {
      const step = await objects(task, options);
      return through(task, step, options).finally(() => step.release());
    }
  }
}

/** @throws ShingoError BAD_USER_INPUT */
export function checkEnrichment({ minScore = 0 }: ObjectOptions): void {
  if (!(minScore >= 0 && minScore <= 1))
    throw new ShingoError('BAD_USER_INPUT', 'minScore is 0 to 1.', 400, ['minScore']);
}

async function through<R extends Row, W>(
  task: TaskContext<EnrichCheckpoint>,
  step: Step<R, W>,
  { projectUuid, where, kind }: EnrichOptions,
): Promise<EnrichmentReport> {
  const pages = await pagesOf(task.db, projectUuid, where);
  const total = task.checkpoint?.total ?? (await pages.count());
  let report = task.checkpoint?.report ?? emptyReport(kind);
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
      { after, total, report: reported(before, plans, () => true) },
    );
    report = reported(before, plans, (id) => written.has(id));
    task.progress(step.phase, report.images, Math.max(total, report.images));
  }
}

function reported(
  before: EnrichmentReport,
  plans: readonly Plan<unknown>[],
  isWritten: (id: string) => boolean,
): EnrichmentReport {
  return plans.reduce((report, plan) => {
    if (plan.outcome !== 'CHANGED') return withImage(report, plan.row, plan);
    if (!isWritten(plan.row.id))
      return withImage(report, plan.row, { outcome: 'SKIPPED', reason: 'CHANGED_MEANWHILE' });
    const boxes = (plan.write as Partial<ObjectWrite>).boxes ?? [];
    return withObjects(
      withImage(report, plan.row, plan),
      boxes.map(({ category }) => category),
    );
  }, before);
}
