import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { checkedRules } from './checkRules.js';
import { DEFAULT_RULES, type ValidationRule } from './rule.js';

type Db = DataSource | EntityManager;

/** The rules that a project is judged by. @throws ShingoError NOT_FOUND */
export const rulesOf = (db: Db, projectUuid: string): Promise<ValidationRule[]> => read(db, projectUuid, '');

/**
 * The same, and until the transaction ends nobody changes them: a batch obeys the old rules and is committed before the
 * new ones, or obeys the new ones.
 */
export const holdRules = (manager: EntityManager, projectUuid: string): Promise<ValidationRule[]> =>
  read(manager, projectUuid, 'FOR KEY SHARE');

async function read(db: Db, projectUuid: string, lock: string): Promise<ValidationRule[]> {
  const rows: { validation_rules: ValidationRule[] | null }[] = await db.query(
    `/* validation.rules */ SELECT validation_rules FROM project WHERE id = $1 ${lock}`,
    [projectUuid],
  );
  if (!rows[0]) throw new ShingoError('NOT_FOUND', 'There is no such project.', 404, ['projectId']);
  return rows[0].validation_rules ?? [...DEFAULT_RULES];
}

/**
 * Replaces all rules of a project; null: by the default ones. Images that are there already stay, whatever they are.
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND
 */
export async function setRules(
  db: DataSource,
  projectUuid: string,
  rules: readonly ValidationRule[] | null,
): Promise<ValidationRule[]> {
  const checked = rules && checkedRules(rules);
  return db.transaction(async (manager) => {
    // FOR UPDATE waits for every transaction that has written images by the old rules (holdRules).
    await manager.query('/* validation.lock */ SELECT 1 FROM project WHERE id = $1 FOR UPDATE', [
      projectUuid,
    ]);
    await manager.query('/* validation.set */ UPDATE project SET validation_rules = $2 WHERE id = $1', [
      projectUuid,
      checked && JSON.stringify(checked),
    ]);
    return rulesOf(manager, projectUuid);
  });
}
