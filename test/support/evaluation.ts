/** A finished evaluation whose answers the test says, from a file of predictions to its figures. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { LearningTask, Split } from '../../src/catalog/vocabulary.js';
import { prepareEvaluation } from '../../src/experiments/evaluate/prepare.js';
import { storeEvaluation } from '../../src/experiments/evaluate/store.js';
import { insertEvaluation, setEvaluationState } from '../../src/experiments/evaluationService.js';
import { protocolFor } from '../../src/experiments/protocol/protocolService.js';
import { JobState, Weights } from '../../src/jobs/vocabulary.js';

export interface EvaluationOf {
  projectUuid: string;
  modelUuid: string;
  experimentUuid: string;
  versionUuid: string;
  classes: string[];
  task?: LearningTask;
}

/** Of the TEST split. @param lines of the predictions file, as its task has them. Returns its UUID. */
export async function storeAnswers(db: DataSource, of: EvaluationOf, lines: object[]): Promise<string> {
  const { projectUuid, modelUuid, experimentUuid, versionUuid, classes } = of;
  const { task = LearningTask.LIGHT_STATE } = of;
  const protocol = await protocolFor(db, projectUuid, task, null);
  await db.query('UPDATE evaluation_protocol SET resamples = 100 WHERE id = $1', [protocol.uuid]);
  const uuid = await db.transaction((manager) =>
    insertEvaluation(manager, {
      ...{ projectUuid, modelUuid, protocolUuid: protocol.uuid, task, source: 'JOB', experimentUuid },
      ...{ datasetVersionUuid: versionUuid, split: Split.TEST, weights: Weights.BEST, classes },
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'shingo-answers-'));
  try {
    const file = join(folder, 'predictions.jsonl');
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const prepared = await prepareEvaluation(db, uuid, { file, folder });
    await db.transaction(async (manager) => {
      await storeEvaluation(manager, prepared);
      await setEvaluationState(manager, uuid, JobState.SUCCEEDED);
    });
    return uuid;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
