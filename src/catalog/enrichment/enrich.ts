/** Enrichment: what can be worked out of images that are here, long after they came. */
import type { Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import { objects, type ObjectOptions, type ObjectWrite } from './objects.js';
import { darkness, perceptualHashes } from './pixels.js';
import { emptyReport, EnrichmentKind, withObjects, type EnrichmentReport } from './report.js';
import { sunAltitudes } from './sunAltitudes.js';
import { walk, type WalkCheckpoint, type WalkOptions } from './walk.js';

export interface EnrichOptions extends ObjectOptions {
  projectUuid: string;
  kind: EnrichmentKind;
  /** ImageWhere; missing: every image of the project. */
  where?: Where | null;
}

export type EnrichCheckpoint = WalkCheckpoint<EnrichmentReport>;

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
      return walk(task, darkness(task.blobs, task.signal), whole(options));
    case EnrichmentKind.PERCEPTUAL_HASH:
      return walk(task, perceptualHashes(task.blobs, task.signal), whole(options));
    case EnrichmentKind.SUN_ALTITUDE:
      return walk(task, sunAltitudes, whole(options));
    case EnrichmentKind.OBJECTS: {
      const step = await objects(task, options);
      return walk(task, step, whole(options)).finally(() => step.release());
    }
  }
}

const whole = <W>({ projectUuid, where, kind }: EnrichOptions): WalkOptions<EnrichmentReport, W> => ({
  ...{ projectUuid, where, empty: () => emptyReport(kind) },
  noted: (report, write) =>
    withObjects(
      report,
      ((write as Partial<ObjectWrite>).boxes ?? []).map(({ category }) => category),
    ),
});

/** @throws ShingoError BAD_USER_INPUT */
export function checkEnrichment({ minScore = 0 }: ObjectOptions): void {
  if (!(minScore >= 0 && minScore <= 1))
    throw new ShingoError('BAD_USER_INPUT', 'minScore is 0 to 1.', 400, ['minScore']);
}
