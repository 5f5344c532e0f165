import { randomUUID } from 'node:crypto';

import { waitForJobs } from '../jobs.js';
import { count, percent } from '../terminal/format.js';
import type { DatasetVersion } from './extract.js';
import type { Stage } from './options.js';
import { type ConditionScore, confusionTable, redAsGreen, scoresTable } from './tables.js';
import { type Experiment, failure, showProgress } from './train.js';

interface Evaluation {
  id: string;
  classes: string[];
  conditions: ConditionScore[];
}

const START_EVALUATION = /* GraphQL */ `
  mutation StartEvaluation($input: StartEvaluationInput!) {
    startEvaluation(input: $input) {
      job {
        id
      }
      evaluation {
        id
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;
const EVALUATION = /* GraphQL */ `
  query Evaluation($id: ID!) {
    evaluation(id: $id) {
      id
      classes
      conditions {
        condition
        n
        correct
        accuracy
        lower
        upper
        method
        confusion {
          actual
          predicted
          count
        }
      }
    }
  }
`;

export interface Scores {
  trained: ConditionScore;
  untrained: ConditionScore;
}

/** Act 4: how good is it, where, and is that more than it knew before? */
export async function evaluate(
  stage: Stage,
  version: DatasetVersion,
  experiment: Experiment,
): Promise<Scores> {
  const { screen } = stage;
  const { bold, red, green } = screen.colors;
  screen.heading('4 of 6 · Evaluate on the held-out fifth');
  const [best, initial] = await run(stage, version, experiment, ['BEST', 'INITIAL']);
  screen.block(scoresTable(best!.conditions, initial!.conditions, screen.colors));
  const method = best!.conditions[0]?.method;
  if (method) screen.note(`intervals: ${method}, 95 %`);
  screen.line();
  const all = overall(best!);
  screen.block(confusionTable(all, best!.classes, screen.colors));
  const wrong = redAsGreen(all);
  const paint = wrong.count > 0 ? red : green;
  const share = wrong.of > 0 ? ` (${percent(wrong.count / wrong.of)})` : '';
  screen.line();
  screen.line(`  red read as green: ${paint(bold(`${count(wrong.count)} of ${count(wrong.of)}${share}`))}`);
  return { trained: all, untrained: overall(initial!) };
}

function overall(evaluation: Evaluation): ConditionScore {
  const nothing = { condition: null, n: 0, correct: 0, accuracy: null, lower: null, upper: null, method: '' };
  const all = evaluation.conditions.find((score) => score.condition === null);
  return all ?? { ...nothing, confusion: [] };
}

/** Both at once: on a machine with two workers they run side by side. */
async function run(
  stage: Stage,
  version: DatasetVersion,
  experiment: Experiment,
  weights: string[],
): Promise<Evaluation[]> {
  const { client, screen, project, underWay } = stage;
  const started: { job: { id: string }; evaluation: { id: string } }[] = [];
  for (const one of weights) {
    const target = { experimentId: experiment.id, datasetVersionId: version.id, split: 'TEST', weights: one };
    const input = { ...target, idempotencyKey: randomUUID() };
    const payload = await client.mutate<(typeof started)[number]>(START_EVALUATION, input, {
      idempotent: true,
    });
    underWay.add(payload.job.id);
    started.push(payload);
  }
  const ids = started.map(({ job }) => job.id);
  const jobs = await waitForJobs(client, project.id, ids, (job) => showProgress(screen, job)).finally(() =>
    screen.progress.stop(),
  );
  for (const [index, id] of ids.entries()) {
    underWay.delete(id);
    const job = jobs.get(id)!;
    if (job.state !== 'SUCCEEDED')
      throw failure(`evaluation of ${weights[index]} weights`, job.state, job.reason);
  }
  const evaluations: Evaluation[] = [];
  for (const { evaluation } of started) {
    const data = await client.request<{ evaluation: Evaluation }>(EVALUATION, { id: evaluation.id });
    evaluations.push(data.evaluation);
  }
  return evaluations;
}
