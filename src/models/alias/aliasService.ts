/** Aliases move under the lock of their model's row: whoever comes second sees what the first did. */
import type { DataSource, EntityManager } from 'typeorm';
import { columnsOf, hydrate, selectOne } from '../../graphql/select.js';
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { gateReport } from '../gate/gateReport.js';
import { Verdict, type GateReport } from '../gate/report.js';
import { basisOf } from '../gate/subject.js';
import { findModel, findModelVersion, lockModel } from '../version/versionService.js';
import { CHAMPION, ModelAlias } from './alias.js';
import { AliasChange } from './aliasChange.js';
import { holderOf } from './holder.js';

export const MAX_ALIASES = 100;
const MAX_REASON = 2000;
const MAX_TRIES = 3;

/** Who moves it, why, and what must hold it until then: missing: whatever does; null: nothing. */
interface Move {
  alias: string;
  reason?: string | null;
  expectedUuid?: string | null | undefined;
}

export interface SetAlias extends Move {
  versionUuid: string;
  /** Past gates that are not passed; needs a reason, which is kept. */
  force?: boolean | null;
}

export interface Moved {
  modelAlias: ModelAlias | null;
  change: AliasChange | null;
}

/**
 * Gives an alias to a version, taking it from whichever has it. Where the version has it already nothing happens.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, CONFLICT; UserErrors GATE_NOT_PASSED, one a rule
 */
export async function setAlias(db: DataSource, actor: string, wish: SetAlias): Promise<Moved> {
  checkMove(wish);
  const { versionUuid, alias, force } = wish;
  if (force && (wish.reason ?? '').trim() === '')
    throw new ShingoError('BAD_USER_INPUT', 'Say why it is forced; the history keeps it.', 400, ['reason']);
  const version = await findModelVersion(db, versionUuid);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    // Before the lock: a bootstrap takes seconds, and others want to move their aliases meanwhile.
    const report = alias === CHAMPION ? await gateReport(db, versionUuid) : null;
    const moved = await db.transaction((manager) =>
      setAliasWithin(manager, actor, version.modelUuid, wish, report),
    );
    if (moved) return moved;
  }
  const message = 'Rules, evaluations or the champion changed while the gates were judged; try again.';
  throw new ShingoError('CONFLICT', message, 409);
}

/**
 * The same in the caller's transaction, which holds the model from here on.
 * @param report by which it may have the alias; null: it needs none
 * @returns null: what the report rests on has changed since
 * @throws ShingoError BAD_USER_INPUT, CONFLICT; UserErrors GATE_NOT_PASSED, one a rule
 */
export async function setAliasWithin(
  manager: EntityManager,
  actor: string,
  modelUuid: string,
  wish: SetAlias,
  report: GateReport | null,
): Promise<Moved | null> {
  await lockModel(manager, modelUuid);
  if (report && (await basisOf(manager, wish.versionUuid)) !== report.basis) return null;
  return take(manager, actor, modelUuid, wish, report);
}

async function take(
  manager: EntityManager,
  actor: string,
  modelUuid: string,
  wish: SetAlias,
  report: GateReport | null,
): Promise<Moved> {
  const { alias, versionUuid } = wish;
  const holder = await holderOf(manager, modelUuid, alias);
  if (holder === versionUuid) return { modelAlias: await aliasOf(manager, modelUuid, alias), change: null };
  checkExpected(holder, wish);
  const passed = report === null || report.verdict === Verdict.PASS;
  if (!passed && !wish.force) throw refusal(report);
  if (holder === null) await checkRoom(manager, modelUuid);
  await manager.query(
    `/* alias.set */ INSERT INTO model_alias (id, model_id, name, version_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT (model_id, name) DO UPDATE SET version_id = excluded.version_id, since = excluded.since`,
    [newId(), modelUuid, alias, versionUuid],
  );
  const step = { fromUuid: holder, toUuid: versionUuid, forced: !passed, report };
  const change = await append(manager, actor, modelUuid, wish, step);
  return { modelAlias: await aliasOf(manager, modelUuid, alias), change };
}

/**
 * Takes an alias from whichever version has it. Done again it changes nothing and gives the same step of the history.
 * @throws ShingoError NOT_FOUND, CONFLICT, BAD_USER_INPUT
 */
export async function removeAlias(
  db: DataSource,
  actor: string,
  modelUuid: string,
  move: Move,
): Promise<AliasChange> {
  checkMove(move);
  await findModel(db, modelUuid);
  return db.transaction(async (manager) => {
    await lockModel(manager, modelUuid);
    const holder = await holderOf(manager, modelUuid, move.alias);
    if (holder === null) return lastRemoval(manager, modelUuid, move.alias);
    checkExpected(holder, move);
    await manager.query('/* alias.remove */ DELETE FROM model_alias WHERE model_id = $1 AND name = $2', [
      modelUuid,
      move.alias,
    ]);
    const step = { fromUuid: holder, toUuid: null, forced: false, report: null };
    return append(manager, actor, modelUuid, move, step);
  });
}

/** @throws ShingoError BAD_USER_INPUT */
export function checkMove({ alias, reason }: Move): void {
  const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  if (!/^[a-z][a-z0-9_-]{0,62}$/.test(alias))
    throw bad('alias', 'An alias is small letters, digits, - and _: a letter first, at most 63.');
  if ((reason?.length ?? 0) > MAX_REASON)
    throw bad('reason', `A reason has at most ${MAX_REASON} characters.`);
}

function checkExpected(holder: string | null, { alias, expectedUuid }: Move): void {
  if (expectedUuid === undefined || expectedUuid === holder) return;
  const message = `Another version holds ${alias} than the one expected; look at the history, then decide again.`;
  throw new ShingoError('CONFLICT', message, 409, ['expectedVersionId']);
}

function refusal({ results }: GateReport): UserErrors {
  const open = results.filter(({ verdict }) => verdict !== Verdict.PASS);
  return new UserErrors(
    open.map(
      ({ rule, verdict, sentence }) =>
        new ShingoError('GATE_NOT_PASSED', `${rule.name}: ${verdict}. ${sentence}`, 409, ['modelVersionId']),
    ),
  );
}

async function checkRoom(manager: EntityManager, modelUuid: string): Promise<void> {
  const [{ n }] = await manager.query(
    '/* alias.count */ SELECT count(*)::int AS n FROM model_alias WHERE model_id = $1',
    [modelUuid],
  );
  if (n < MAX_ALIASES) return;
  throw new ShingoError('BAD_USER_INPUT', `A model has at most ${MAX_ALIASES} aliases.`, 400, ['alias']);
}

async function append(
  manager: EntityManager,
  actor: string,
  modelUuid: string,
  { alias, reason }: Move,
  step: { fromUuid: string | null; toUuid: string | null; forced: boolean; report: GateReport | null },
): Promise<AliasChange> {
  const uuid = newId();
  await manager.query(
    `/* alias.append */ INSERT INTO model_alias_change
       (id, model_id, seq, alias, from_id, to_id, actor, reason, forced, gate_report)
     SELECT $1, $2, coalesce(max(seq), 0) + 1, $3, $4, $5, $6, $7, $8, $9 FROM model_alias_change WHERE model_id = $2`,
    [
      ...[uuid, modelUuid, alias, step.fromUuid, step.toUuid, actor, reason ?? '', step.forced],
      step.report && JSON.stringify(step.report),
    ],
  );
  return (await selectOne(manager, AliasChange, uuid)) as AliasChange;
}

async function aliasOf(manager: EntityManager, modelUuid: string, alias: string): Promise<ModelAlias | null> {
  const rows: Record<string, unknown>[] = await manager.query(
    `/* alias.get */ SELECT ${columnsOf(manager, ModelAlias)} FROM model_alias t WHERE t.model_id = $1 AND t.name = $2`,
    [modelUuid, alias],
  );
  return rows[0] ? hydrate(manager, ModelAlias, rows[0]) : null;
}

/** @throws ShingoError NOT_FOUND: no version has ever had it */
async function lastRemoval(manager: EntityManager, modelUuid: string, alias: string): Promise<AliasChange> {
  const rows: Record<string, unknown>[] = await manager.query(
    `/* alias.last */ SELECT ${columnsOf(manager, AliasChange)} FROM model_alias_change t
     WHERE t.model_id = $1 AND t.alias = $2 ORDER BY t.seq DESC LIMIT 1`,
    [modelUuid, alias],
  );
  if (rows[0]) return hydrate(manager, AliasChange, rows[0]);
  throw new ShingoError('NOT_FOUND', `No version of this model has the alias ${alias}.`, 404, ['alias']);
}
