/** What a model says of many images, written as annotations of source MODEL: never over a person's. */
import { join } from 'node:path';
import { count, emptyWalk, type WalkReport } from '../../catalog/enrichment/report.js';
import { walk, type WalkCheckpoint } from '../../catalog/enrichment/walk.js';
import { LearningTask, LightColor } from '../../catalog/vocabulary.js';
import type { Where } from '../../graphql/list/where.js';
import { restoreFiles } from '../../jobs/worker/files.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import type { EngineName } from '../../training/protocol.js';
import { modelSource } from '../modelSource.js';
import { colors } from './colors.js';
import { foundLights } from './found.js';

export interface BatchPredictionReport extends WalkReport {
  experimentUuid: string;
  engine: string;
  /** Written, by colour; of the images that changed. */
  lights: { color: LightColor; count: number }[];
}

export interface BatchPredictionRequest {
  projectUuid: string;
  experimentUuid: string;
  where?: Where | null;
  minScore: number;
  engine?: EngineName | 'auto';
}

export const DEFAULT_MIN_COLOR_SCORE = 0.5;

/** @throws ShingoError BAD_USER_INPUT */
export function checkBatchPrediction({ minScore }: { minScore: number }): void {
  if (!(minScore >= 0 && minScore <= 1))
    throw new ShingoError('BAD_USER_INPUT', 'minScore is 0 to 1.', 400, ['minScore']);
}

/**
 * The network computes in this very process: whoever calls this is a process of its own, as jobs are. Doing it again
 * changes nothing; an attempt that was cut off goes on behind its last page.
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND, EXPERIMENT_NOT_TRAINED, WEIGHTS_MISSING, FILTER_INVALID,
 *   CONDITION_UNKNOWN; TrainingError ENGINE_UNAVAILABLE, MODEL_INVALID; the signal's reason
 */
export async function batchPrediction(
  task: TaskContext<WalkCheckpoint<BatchPredictionReport>>,
  { projectUuid, experimentUuid, where, minScore, engine = 'wasm' }: BatchPredictionRequest,
): Promise<BatchPredictionReport> {
  checkBatchPrediction({ minScore });
  const source = await modelSource(task.db, experimentUuid);
  const modelDir = join(task.folder, 'model');
  await restoreFiles(task.blobs, source.files, modelDir);
  // Not before it is needed: TensorFlow.js has no place in the API.
  const { startEngine } = await import('../../training/engines/index.js');
  const { StoredModel } = await import('../../training/variants/storedModel.js');
  const started = await startEngine(engine);
  try {
    const model = await StoredModel.load(source.task, modelDir);
    try {
      const empty = () => ({ experimentUuid, engine: started.name, lights: [], ...emptyWalk() });
      if (source.task === LearningTask.LIGHT_DETECTION)
        return await walk(task, foundLights(task, model, { minScore }), {
          ...{ projectUuid, where, empty },
          noted: (report, { boxes }) => withColors(report, boxes),
        });
      return await walk(task, colors(task, model, { minScore }), {
        ...{ projectUuid, where, empty },
        noted: (report, { readings }) => withColors(report, readings),
      });
    } finally {
      model.dispose();
    }
  } finally {
    await started.release();
  }
}

const withColors = (
  report: BatchPredictionReport,
  lights: { color?: LightColor | null }[],
): BatchPredictionReport => ({
  ...report,
  lights: lights.reduce(
    (list, { color }) => count(list, 'color', color ?? LightColor.UNKNOWN, 1),
    report.lights,
  ),
});
