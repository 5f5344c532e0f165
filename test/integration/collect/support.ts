/** A project whose model has been evaluated, made of rows alone: what it answered is what the test says. */
import type { DataSource } from 'typeorm';
import type { Project } from '../../../src/catalog/project/project.js';
import type { DatasetVersion } from '../../../src/datasets/datasetVersion.js';
import { insertExperiment } from '../../../src/experiments/experimentService.js';
import { createNamed } from '../../../src/platform/database/named.js';
import { storeAnswers } from '../../support/evaluation.js';
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
  const experimentUuid = await db.transaction((manager) =>
    insertExperiment(manager, {
      parentUuid: null,
      ...{ projectUuid: project.uuid, modelUuid, datasetVersionUuid: made.uuid, name: 'experiment' },
      ...{ task: 'LIGHT_STATE', algorithm: 'mobilenetv2', parameters: {} },
    }),
  );
  await db.query(`UPDATE experiment SET state = 'SUCCEEDED' WHERE id = $1`, [experimentUuid]);
  const lights = (await itemsOf(db, made)).flatMap((item) =>
    (item.annotations ?? []).flatMap((box, light) => {
      const { weather, time_of_day: timeOfDay, sha256 } = item;
      const known = box.category === 'TRAFFIC_LIGHT' && box.color !== null && box.color !== 'UNKNOWN';
      return known ? [{ sha256, light, color: String(box.color), weather, timeOfDay }] : [];
    }),
  );
  const classes = [...new Set([...lights.map(({ color }) => color), 'RED', 'GREEN'])].sort();
  const lines = lights.map((light, n) => {
    const label = classes.indexOf(light.color);
    const predicted = isRight(light, n) ? label : (label + 1) % classes.length;
    const scores = classes.map((_, at) => (at === predicted ? 0.9 : 0.1 / (classes.length - 1)));
    return { id: `${light.sha256}:${light.light}`, label, predicted, scores };
  });
  const of = { projectUuid: project.uuid, modelUuid, experimentUuid, versionUuid: made.uuid, classes };
  const evaluationUuid = await storeAnswers(db, of, lines);
  return { version: made, experimentUuid, evaluationUuid };
}
