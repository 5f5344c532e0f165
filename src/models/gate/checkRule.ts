/** Which rules can be: what could never pass, or would mean nothing, is refused where it stands. */
import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask, Split } from '../../catalog/vocabulary.js';
import { ShingoError } from '../../platform/error.js';
import { METRICS, isError } from '../metrics.js';
import { GateBound } from './rule.js';

export interface RuleValues {
  name: string;
  modelUuid: string | null;
  datasetUuid: string;
  split: Split;
  protocol: string;
  metric: string;
  class: string | null;
  condition: string | null;
  everyCondition: boolean;
  sizeBin: number | null;
  bound: GateBound;
  threshold: number;
}

const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);

/**
 * The task that the rule is for.
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND, OTHER_PROJECT, CONDITION_UNKNOWN; their field names the value
 */
export async function checkRule(
  db: DataSource | EntityManager,
  projectUuid: string,
  rule: RuleValues,
): Promise<LearningTask> {
  checkValues(rule);
  const [{ dataset, model, condition, task, bins }]: [Surroundings] = await db.query(
    `/* gateRule.check */ SELECT
       (SELECT project_id FROM dataset WHERE id = $2) AS dataset,
       (SELECT project_id FROM model WHERE id = $3) AS model,
       EXISTS (SELECT FROM condition WHERE project_id = $1 AND name = $4) AS condition, p.task, p.bins
     FROM (VALUES (1)) one LEFT JOIN LATERAL (
       SELECT task, cardinality(size_bounds) + 1 AS bins FROM evaluation_protocol
       WHERE project_id = $1 AND name = $5 ORDER BY version DESC LIMIT 1) p ON true`,
    [projectUuid, rule.datasetUuid, rule.modelUuid, rule.condition, rule.protocol],
  );
  checkOwner('data set', 'datasetId', dataset, projectUuid);
  if (rule.modelUuid !== null) checkOwner('model', 'modelId', model, projectUuid);
  if (rule.condition !== null && !condition) {
    const message = `There is no condition ${JSON.stringify(rule.condition.slice(0, 100))}.`;
    throw new ShingoError('CONDITION_UNKNOWN', message, 400, ['condition']);
  }
  if (task === null || bins === null) {
    const message = `There is no evaluation protocol ${JSON.stringify(rule.protocol.slice(0, 100))}.`;
    throw new ShingoError('NOT_FOUND', message, 404, ['protocol']);
  }
  if (!METRICS[task].includes(rule.metric))
    throw bad('metric', `Evaluations by ${rule.protocol} have ${METRICS[task].join(', ')}.`);
  if (rule.sizeBin !== null && rule.sizeBin >= bins)
    throw bad('sizeBin', `${rule.protocol} has the size bins 0 to ${bins - 1}.`);
  return task;
}

interface Surroundings {
  dataset: string | null;
  model: string | null;
  condition: boolean;
  task: LearningTask | null;
  bins: number | null;
}

function checkValues({ name, metric, bound, threshold, sizeBin, ...rule }: RuleValues): void {
  if (name.trim().length < 1 || name.length > 200)
    throw bad('name', 'A rule has a name of 1 to 200 characters.');
  if (!(threshold >= 0 && threshold <= 1))
    throw bad('threshold', 'A threshold is a share, 0 to 1: 1 point is 0.01.');
  if (sizeBin !== null && sizeBin < 0) throw bad('sizeBin', 'Size bins count from 0.');
  if (rule.class !== null && (rule.class.length < 1 || rule.class.length > 100))
    throw bad('class', 'A class has 1 to 100 characters.');
  if (metric === 'red_as_green' && rule.class !== null)
    throw bad('class', 'red_as_green is of red lights already; leave the class out.');
  if (rule.everyCondition && rule.condition !== null)
    throw bad('condition', 'Give one condition or everyCondition, not both.');
  // A floor under an error, or a ceiling over a quality, is a slip of the pen.
  if (bound === GateBound.LOWER && isError(metric))
    throw bad('bound', `${metric} is an error: bound it with UPPER.`);
  if (bound === GateBound.UPPER && !isError(metric))
    throw bad('bound', `${metric} is the better the higher: bound it with LOWER.`);
}

function checkOwner(what: string, field: string, owner: string | null, projectUuid: string): void {
  if (owner === null) throw new ShingoError('NOT_FOUND', `There is no such ${what}.`, 404, [field]);
  if (owner !== projectUuid)
    throw new ShingoError('OTHER_PROJECT', `This ${what} belongs to another project.`, 409, [field]);
}
