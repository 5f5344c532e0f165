/** A project whose model has been evaluated, made of rows alone: what it answered is what the test says. */
import type { DataSource } from 'typeorm';
import type { Project } from '../../../src/catalog/project/project.js';
import type { DatasetVersion } from '../../../src/datasets/datasetVersion.js';
import { insertEvaluation, summarise } from '../../../src/experiments/evaluationService.js';
import { insertExperiment } from '../../../src/experiments/experimentService.js';
import { insertPredictions, setCount, type Prediction } from '../../../src/experiments/outcome.js';
import { Split } from '../../../src/catalog/vocabulary.js';
import { Weights } from '../../../src/jobs/vocabulary.js';
import { createNamed } from '../../../src/platform/database/named.js';
import { itemsOf, newDataset, version } from '../datasets/support.js';

export interface Evaluated {
  version: DatasetVersion;
  experimentUuid: string;
  evaluationUuid: string;
}

export interface EvaluatedLight {
  sha256: string;
  light: number;
  color: string;
  weather: string | null;
  timeOfDay: string | null;
}

/** Everything of the project is in the TEST split. @param isRight of each light whose colour is known */
export async function evaluated(
  db: DataSource,
  project: Project,
  isRight: (light: EvaluatedLight, n: number) => boolean,
): Promise<Evaluated> {
  const made = await version(db, await newDataset(db, project), { train: 1, validation: 0, test: 0 });
  await db.query("UPDATE dataset_item SET split = 'TEST' WHERE version_id = $1", [made.uuid]);
  const modelUuid = await createNamed(db, 'model', project.uuid, { name: 'model' });
  const evaluationUuids = await db.transaction(async (manager) => {
    const experimentUuid = await insertExperiment(manager, {
      ...{ projectUuid: project.uuid, modelUuid, datasetVersionUuid: made.uuid, name: 'experiment' },
      ...{ algorithm: 'mobilenetv2', parameters: {} },
    });
    const lights = (await itemsOf(db, made)).flatMap((item) =>
      (item.annotations ?? []).flatMap((box, light) => {
        const { weather, time_of_day: timeOfDay, sha256 } = item;
        const known = box.category === 'TRAFFIC_LIGHT' && box.color !== null && box.color !== 'UNKNOWN';
        return known ? [{ sha256, light, color: String(box.color), weather, timeOfDay }] : [];
      }),
    );
    const classes = [...new Set([...lights.map(({ color }) => color), 'RED', 'GREEN'])].sort();
    const evaluationUuid = await insertEvaluation(manager, {
      ...{ experimentUuid, datasetVersionUuid: made.uuid, split: Split.TEST, weights: Weights.BEST, classes },
    });
    const predictions = lights.map((light, n): Prediction => {
      const actual = classes.indexOf(light.color);
      const predicted = isRight(light, n) ? actual : (actual + 1) % classes.length;
      return { sha256: light.sha256, light: light.light, actual, predicted, score: 0.9 };
    });
    await insertPredictions(manager, evaluationUuid, predictions);
    await setCount(manager, evaluationUuid, await summarise(manager, evaluationUuid));
    await manager.query(`UPDATE evaluation SET state = 'SUCCEEDED', finished_at = now() WHERE id = $1`, [
      evaluationUuid,
    ]);
    await manager.query(`UPDATE experiment SET state = 'SUCCEEDED' WHERE id = $1`, [experimentUuid]);
    return { experimentUuid, evaluationUuid };
  });
  return { version: made, ...evaluationUuids };
}
