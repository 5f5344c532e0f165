/** Finding and making protocols. */
import { isDeepStrictEqual } from 'node:util';
import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask } from '../../catalog/vocabulary.js';
import { columnsOf, hydrate, selectOne } from '../../graphql/select.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { ShingoError } from '../../platform/error.js';
import { checkProtocol } from './checkProtocol.js';
import { EvaluationProtocol } from './protocol.js';
import { insertProtocol, STANDARD_PROTOCOLS, type ProtocolValues } from './standard.js';

type Db = DataSource | EntityManager;

/**
 * The protocol with this UUID, or, if none is named, the project's newest of the task.
 * @throws ShingoError NOT_FOUND, OTHER_PROJECT, PROTOCOL_TASK
 */
export async function protocolFor(
  db: Db,
  projectUuid: string,
  task: LearningTask,
  uuid: string | null,
): Promise<EvaluationProtocol> {
  const protocol =
    uuid === null ? await newest(db, projectUuid, task) : await selectOne(db, EvaluationProtocol, uuid);
  const refuse = (code: string, message: string, status: number): never => {
    throw new ShingoError(code, message, status, ['protocolId']);
  };
  if (!protocol) return refuse('NOT_FOUND', 'There is no such evaluation protocol.', 404);
  if (protocol.projectUuid !== projectUuid)
    return refuse(
      'OTHER_PROJECT',
      'This protocol belongs to another project than the data set version.',
      409,
    );
  if (protocol.task !== task)
    return refuse(
      'PROTOCOL_TASK',
      `This protocol is for ${protocol.task}; one for ${task} belongs here.`,
      409,
    );
  return protocol;
}

async function newest(db: Db, projectUuid: string, task: LearningTask): Promise<EvaluationProtocol | null> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* evaluationProtocol.newest */ SELECT ${columnsOf(db, EvaluationProtocol)} FROM evaluation_protocol t
     WHERE t.project_id = $1 AND t.task = $2 ORDER BY t.created_at DESC, t.version DESC, t.id DESC LIMIT 1`,
    [projectUuid, task],
  );
  return rows[0] ? hydrate(db, EvaluationProtocol, rows[0]) : null;
}

export type ProtocolChange = {
  [K in keyof Omit<ProtocolValues, 'name' | 'task'>]?: ProtocolValues[K] | null;
};

/**
 * Version 1. What is left out is as in the task's standard protocol.
 * @throws ShingoError BAD_USER_INPUT, NAME_TAKEN
 */
export async function createProtocol(
  db: DataSource,
  projectUuid: string,
  { name, task, ...change }: { name: string; task: LearningTask } & ProtocolChange,
): Promise<EvaluationProtocol> {
  const standard = STANDARD_PROTOCOLS.find((one) => one.task === `${task}`) as ProtocolValues;
  const values = checkProtocol({ ...standard, ...given(change), name });
  try {
    return await db.transaction(async (manager) => {
      const uuid = await insertProtocol(manager, projectUuid, 1, values);
      return (await selectOne(manager, EvaluationProtocol, uuid)) as EvaluationProtocol;
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = `There is a protocol named ${name} already; updateEvaluationProtocol makes its next version.`;
    throw new ShingoError('NAME_TAKEN', message, 409, ['name']);
  }
}

/**
 * The next version of a protocol, made from its newest; one that would be equal to the newest is the newest.
 * @param uuid of any of its versions
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT
 */
export async function updateProtocol(
  db: DataSource,
  uuid: string,
  change: ProtocolChange,
): Promise<EvaluationProtocol> {
  return db.transaction(async (manager) => {
    const named = await selectOne(manager, EvaluationProtocol, uuid);
    if (!named) throw new ShingoError('NOT_FOUND', 'There is no such evaluation protocol.', 404, ['id']);
    // Its first version stands for all: of two who change it at a time each makes a version of its own.
    const rows: Record<string, unknown>[] = await manager.query(
      `/* evaluationProtocol.lock */ SELECT ${columnsOf(manager, EvaluationProtocol)} FROM evaluation_protocol t
       WHERE t.project_id = $1 AND t.name = $2 ORDER BY t.version FOR UPDATE`,
      [named.projectUuid, named.name],
    );
    const before = hydrate(manager, EvaluationProtocol, rows.at(-1) as Record<string, unknown>);
    const old = valuesOf(before);
    const values = checkProtocol({ ...old, ...given(change) });
    if (isDeepStrictEqual(values, old)) return before;
    if (before.version >= MAX_VERSIONS) {
      const message = `A protocol has at most ${MAX_VERSIONS} versions; make one of another name.`;
      throw new ShingoError('BAD_USER_INPUT', message, 400, ['id']);
    }
    const next = await insertProtocol(manager, before.projectUuid, before.version + 1, values);
    return (await selectOne(manager, EvaluationProtocol, next)) as EvaluationProtocol;
  });
}

const MAX_VERSIONS = 1000;

const given = (change: ProtocolChange): Partial<ProtocolValues> =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value != null));

function valuesOf(protocol: EvaluationProtocol): ProtocolValues {
  const names = Object.keys(STANDARD_PROTOCOLS[0] as ProtocolValues) as (keyof ProtocolValues)[];
  return Object.fromEntries(names.map((name) => [name, protocol[name]])) as unknown as ProtocolValues;
}
