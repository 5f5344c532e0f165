import type { DataSource, EntityManager } from 'typeorm';
import { selectOne } from '../../graphql/select.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { checkRule, type RuleValues } from './checkRule.js';
import { GateRule } from './rule.js';

/** All of them are judged at once, before anything is promoted. */
export const MAX_GATE_RULES = 100;

/** What a rule can do without. */
const CLEARED = new Set(['modelUuid', 'class', 'condition', 'sizeBin']);

/** @throws ShingoError BAD_USER_INPUT, NAME_TAKEN, NOT_FOUND, OTHER_PROJECT, CONDITION_UNKNOWN */
export async function createGateRule(
  db: DataSource,
  projectUuid: string,
  rule: RuleValues,
): Promise<GateRule> {
  return db.transaction(async (manager) => {
    // Whoever adds a rule holds the project's row: their number has a bound.
    await manager.query('/* gateRule.lock */ SELECT 1 FROM project WHERE id = $1 FOR NO KEY UPDATE', [
      projectUuid,
    ]);
    const [{ n }] = await manager.query(
      '/* gateRule.count */ SELECT count(*)::int AS n FROM gate_rule WHERE project_id = $1',
      [projectUuid],
    );
    if (n >= MAX_GATE_RULES)
      throw new ShingoError('BAD_USER_INPUT', `A project has at most ${MAX_GATE_RULES} gate rules.`, 400, [
        'name',
      ]);
    return write(manager, newId(), projectUuid, rule);
  });
}

/**
 * What is left out stays; null clears.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, NAME_TAKEN, OTHER_PROJECT, CONDITION_UNKNOWN
 */
export async function updateGateRule(
  db: DataSource,
  uuid: string,
  change: Partial<RuleValues>,
): Promise<GateRule> {
  return db.transaction(async (manager) => {
    await manager.query('/* gateRule.hold */ SELECT 1 FROM gate_rule WHERE id = $1 FOR UPDATE', [uuid]);
    const rule = await selectOne(manager, GateRule, uuid);
    if (!rule) throw new ShingoError('NOT_FOUND', 'There is no such gate rule.', 404, ['id']);
    const given = Object.entries(change).filter(
      ([name, value]) => value !== undefined && (value !== null || CLEARED.has(name)),
    );
    return write(manager, uuid, rule.projectUuid, { ...rule, ...Object.fromEntries(given) });
  });
}

async function write(
  manager: EntityManager,
  uuid: string,
  projectUuid: string,
  rule: RuleValues,
): Promise<GateRule> {
  const task = await checkRule(manager, projectUuid, rule);
  try {
    await manager.query(
      `/* gateRule.write */ INSERT INTO gate_rule (id, project_id, model_id, name, dataset_id, split, protocol, task, metric,
         class, condition, every_condition, size_bin, bound, threshold)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
       ON CONFLICT (id) DO UPDATE SET model_id = excluded.model_id, name = excluded.name, dataset_id = excluded.dataset_id,
         split = excluded.split, protocol = excluded.protocol, task = excluded.task, metric = excluded.metric,
         class = excluded.class, condition = excluded.condition, every_condition = excluded.every_condition,
         size_bin = excluded.size_bin, bound = excluded.bound, threshold = excluded.threshold,
         updated_at = clock_timestamp()`,
      [
        ...[uuid, projectUuid, rule.modelUuid, rule.name, rule.datasetUuid, rule.split, rule.protocol, task],
        ...[
          rule.metric,
          rule.class,
          rule.condition,
          rule.everyCondition,
          rule.sizeBin,
          rule.bound,
          rule.threshold,
        ],
      ],
    );
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = `There is a gate rule named ${JSON.stringify(rule.name)} already; update it.`;
    throw new ShingoError('NAME_TAKEN', message, 409, ['name']);
  }
  return (await selectOne(manager, GateRule, uuid)) as GateRule;
}

/** Done again it changes nothing. Reports that were kept in the history keep their rules. */
export async function deleteGateRule(db: DataSource, uuid: string): Promise<void> {
  await db.query('/* gateRule.delete */ DELETE FROM gate_rule WHERE id = $1', [uuid]);
}
