/** What stands at the end of a training that was evaluated: its version is made and judged, and may get an alias. */
import { setAliasWithin } from '../alias/aliasService.js';
import { gateReport } from '../gate/gateReport.js';
import { Verdict, type GateReport } from '../gate/report.js';
import { createModelVersion } from '../version/versionService.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';

export interface Promotion {
  experimentUuid: string;
  modelUuid: string;
  /** Of the version. */
  description: string | null;
  /** That it gets if every gate of the project is passed; null: it is judged only. */
  alias: string | null;
  /** Why; kept in the history of the alias. */
  reason: string | null;
  /** Gates that are not passed fail the job. */
  failUnlessPassed: boolean;
  /** Who asked for it. */
  actor: string;
}

export interface PromotionReport {
  versionUuid: string;
  verdict: Verdict;
  alias: string | null;
  /** Whether the version has the alias because of this. */
  promoted: boolean;
  gate: GateReport;
}

const MAX_TRIES = 5;

/** Nothing of the transaction is kept. */
class Outdated extends Error {}

/**
 * Done again it changes nothing. The alias moves in a transaction that is sure that the work is still this attempt's.
 * @throws ShingoError GATE_FAILED, CONFLICT, and what createModelVersion throws
 */
export async function promote(
  task: TaskContext<PromotionReport>,
  promotion: Promotion,
): Promise<PromotionReport> {
  const report = task.checkpoint ?? (await judge(task, promotion));
  if (promotion.failUnlessPassed && report.verdict !== Verdict.PASS) throw failure(report);
  return report;
}

async function judge(task: TaskContext<PromotionReport>, promotion: Promotion): Promise<PromotionReport> {
  const { modelUuid, experimentUuid, description, alias, reason, actor } = promotion;
  task.progress('REGISTERING', 0, null);
  const { uuid: versionUuid } = await createModelVersion(task, actor, {
    modelUuid,
    experimentUuid,
    description,
  });
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    task.signal.throwIfAborted();
    task.progress('JUDGING', tries, null);
    const gate = await gateReport(task.db, versionUuid);
    const report = { versionUuid, verdict: gate.verdict, alias, promoted: false, gate };
    try {
      await task.transaction(async (manager) => {
        if (alias === null || gate.verdict !== Verdict.PASS) return;
        const moved = await setAliasWithin(manager, actor, modelUuid, { alias, versionUuid, reason }, gate);
        if (moved === null) throw new Outdated();
        report.promoted = true;
      }, report);
      return report;
    } catch (error) {
      if (!(error instanceof Outdated)) throw error;
    }
  }
  const message =
    'Rules, evaluations or the champion changed while the gates were judged; start the gate again.';
  throw new ShingoError('CONFLICT', message, 409);
}

function failure({ gate }: PromotionReport): ShingoError {
  const open = gate.results.filter(({ verdict }) => verdict !== Verdict.PASS);
  const message = open
    .map(({ rule, verdict, sentence }) => `${rule.name}: ${verdict}. ${sentence}`)
    .join(' ');
  return new ShingoError('GATE_FAILED', message.slice(0, 2000), 409);
}
