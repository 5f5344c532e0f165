/** What a training's parameters name must be there: classes, conditions, metrics, and the experiment to begin with. */
import type { DataSource } from 'typeorm';
import { requireWeights } from '../../experiments/weights.js';
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import type { TrainingParameters } from '../../training/protocol.js';
import { classesOf, conditionNames, countLights } from '../lights.js';
import { badParameter } from './checkParameters.js';
import { findExperiment } from './subjects.js';

/** @throws UserErrors of BAD_PARAMETER */
export async function checkNames(
  db: DataSource,
  versionUuid: string,
  parameters: TrainingParameters,
): Promise<void> {
  const { classWeights, conditionWeights, mixConditions, monitor } = parameters;
  const conditions = new Map<string, string[]>([
    ['conditionWeights', Object.keys(conditionWeights)],
    ['mixConditions', Object.keys(mixConditions)],
    ['monitor.condition', monitor.condition === null ? [] : [monitor.condition]],
  ]);
  const problems = strangers(
    'classWeights',
    Object.keys(classWeights),
    classesOf(await countLights(db, versionUuid)),
  );
  const named = [...conditions.values()].flat();
  const known = named.length > 0 ? await conditionNames(db, versionUuid) : [];
  for (const [field, names] of conditions) problems.push(...strangers(field, names, known));
  if (problems.length > 0) throw new UserErrors(problems);
}

const strangers = (field: string, names: string[], known: string[]): ShingoError[] =>
  names
    .filter((name) => !known.includes(name))
    .map((name) =>
      badParameter(
        field.split('.'),
        `the version has no ${JSON.stringify(name.slice(0, 200))}, but ${known.join(', ') || 'none at all'}`,
      ),
    );

/** @throws ShingoError NOT_FOUND, OTHER_PROJECT, EXPERIMENT_NOT_TRAINED, BAD_PARAMETER */
export async function checkParent(
  db: DataSource,
  uuid: string,
  projectUuid: string,
  algorithm: string,
): Promise<void> {
  const parent = await findExperiment(db, uuid, projectUuid, 'fromExperimentId');
  requireWeights(parent, 'fromExperimentId');
  if (parent.algorithm !== algorithm) {
    const message = `Its network is ${parent.algorithm}, not ${algorithm}: no layer would fit.`;
    throw new ShingoError('BAD_PARAMETER', message, 400, ['fromExperimentId']);
  }
}
