/** A data set version of all images, a fifth of them to test on, and what two models answered there: as rows. */
import type { DataSource } from 'typeorm';
import { STANDARD_CONDITIONS } from '../../src/catalog/condition/condition.js';
import { insertCondition } from '../../src/catalog/condition/conditionService.js';
import { LearningTask, Split } from '../../src/catalog/vocabulary.js';
import { createDatasetVersion } from '../../src/datasets/createVersion.js';
import { detectionProtocol } from '../../src/experiments/evaluate/detections.js';
import { insertEvaluation, setEvaluationState } from '../../src/experiments/evaluationService.js';
import type { LabelledBox } from '../../src/experiments/evaluate/scope.js';
import { COLORS } from '../../src/experiments/predictions/prediction.js';
import { protocolFor } from '../../src/experiments/protocol/protocolService.js';
import { JobState } from '../../src/jobs/vocabulary.js';
import { copyInto, copyRow } from '../../src/platform/database/copy.js';
import { createNamed } from '../../src/platform/database/named.js';
import { generator } from '../../src/training/random.js';
import { matchImage, packMatches } from '../../src/training/statistics/detection/index.js';
import { unlimited } from './unlimited.js';

export interface EvaluatedProject {
  versionUuid: string;
  evaluations: Record<LearningTask, string>;
  /** Whose colour is known, in the test split. */
  lights: number;
}

export async function evaluateByRows(
  db: DataSource,
  projectUuid: string,
  say: (line: string) => void,
): Promise<EvaluatedProject> {
  const started = performance.now();
  const [{ n: conditions }] = await db.query(
    'SELECT count(*)::int AS n FROM condition WHERE project_id = $1',
    [projectUuid],
  );
  if (conditions === 0)
    await db.transaction(async (manager) => {
      for (const condition of STANDARD_CONDITIONS) await insertCondition(manager, projectUuid, condition);
    });
  const dataset = await createNamed(db, 'dataset', projectUuid, { name: 'bench' });
  const { uuid: versionUuid } = await createDatasetVersion(db, dataset, {
    ...{ seed: 1, train: 0.8, validation: 0, test: 0.2, maxLeakShare: 1 },
  });
  say(`version in ${Math.round(performance.now() - started)} ms`);
  const modelUuid = await createNamed(db, 'model', projectUuid, { name: 'bench' });
  const make = async (task: LearningTask) => {
    const protocol = await protocolFor(db, projectUuid, task, null);
    const uuid = await db.transaction((manager) =>
      insertEvaluation(manager, {
        ...{ projectUuid, modelUuid, protocolUuid: protocol.uuid, task, datasetVersionUuid: versionUuid },
        ...{ split: Split.TEST, classes: [...COLORS], source: 'IMPORTED', name: task },
      }),
    );
    await db.transaction((manager) => setEvaluationState(manager, uuid, JobState.SUCCEEDED));
    return { uuid, protocol };
  };
  const [states, boxes] = [await make(LearningTask.LIGHT_STATE), await make(LearningTask.LIGHT_DETECTION)];
  const lights = await fillStates(db, states.uuid, versionUuid);
  await fillBoxes(db, boxes.uuid, versionUuid, detectionProtocol(boxes.protocol));
  await unlimited(db, (runner) => runner.query('VACUUM ANALYZE'));
  say(`${lights} lights evaluated twice in ${Math.round(performance.now() - started)} ms`);
  return {
    versionUuid,
    lights,
    evaluations: { LIGHT_STATE: states.uuid, LIGHT_DETECTION: boxes.uuid },
  };
}

/** Nine in ten right, at night seven. */
async function fillStates(db: DataSource, uuid: string, versionUuid: string): Promise<number> {
  await unlimited(db, (runner) =>
    runner.query(
      `INSERT INTO evaluation_prediction (evaluation_id, sha256, light, conditions, actual, predicted, score, width)
     SELECT $1, sha256, light, conditions, actual,
       CASE WHEN luck < CASE WHEN time_of_day = 'NIGHT' THEN 70 ELSE 90 END THEN actual ELSE (actual + 1) % 4 END,
       0.5 + luck / 200.0, width
     FROM (SELECT i.sha256, place - 1 AS light, i.conditions, i.time_of_day,
         array_position($3::text[], light->>'color') - 1 AS actual, (light->>'width')::real AS width,
         abs(hashtext(i.sha256 || place)) % 100 AS luck
       FROM dataset_item i CROSS JOIN jsonb_array_elements(CASE WHEN jsonb_typeof(i.annotations) = 'array'
         THEN i.annotations ELSE '[]' END) WITH ORDINALITY box (light, place)
       WHERE i.version_id = $2 AND i.split = 'TEST' AND light->>'category' = 'TRAFFIC_LIGHT') one
     WHERE actual IS NOT NULL`,
      [uuid, versionUuid, COLORS],
    ),
  );
  const [{ n }]: [{ n: number }] = await db.query(
    'SELECT count(*)::int AS n FROM evaluation_prediction WHERE evaluation_id = $1',
    [uuid],
  );
  return n;
}

const PAGE = 2_000;

/** Four in five found where they are. */
async function fillBoxes(
  db: DataSource,
  uuid: string,
  versionUuid: string,
  protocol: ReturnType<typeof detectionProtocol>,
): Promise<void> {
  const random = generator(7);
  let position = 0;
  for (let after = ''; ;) {
    const items: {
      sha256: string;
      conditions: number[];
      drive: string | null;
      annotations: LabelledBox[];
    }[] = await db.query(
      `SELECT sha256, conditions, drive, annotations FROM dataset_item WHERE version_id = $1 AND split = 'TEST'
           AND jsonb_typeof(annotations) = 'array' AND sha256 > $2 ORDER BY sha256 LIMIT ${PAGE}`,
      [versionUuid, after],
    );
    const rows = items.map(({ sha256, conditions, drive, annotations }) => {
      const lights = [...annotations.keys()].filter((at) => COLORS.includes(annotations[at]!.color as never));
      const truths = lights.map((at) => {
        const { x, y, width, height, color } = annotations[at]!;
        return { x, y, width, height, label: COLORS.indexOf(color as never), ignore: false };
      });
      const found = truths
        .filter(() => random() < 0.8)
        .map(({ ignore: _, ...box }) => ({ ...box, score: 0.35 + random() / 2 }));
      const packed = Buffer.from(
        packMatches(matchImage(protocol, COLORS.length, truths, found), protocol.iouThresholds.length),
      );
      return copyRow([
        ...[uuid, sha256, (position += 1), `{${conditions.join()}}`, drive, `{${lights.join()}}`],
        `\\x${packed.toString('hex')}`,
      ]);
    });
    await db.transaction((manager) =>
      copyInto(
        manager,
        'COPY evaluation_image (evaluation_id, sha256, position, conditions, drive, lights, matches) FROM STDIN',
        [rows.join('')],
      ),
    );
    if (items.length < PAGE) return;
    after = items.at(-1)!.sha256;
  }
}
