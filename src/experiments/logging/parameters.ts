/** Parameters of a logged experiment, each of the type that it was logged with. */
import type { DataSource } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { insertParameters, type TypedParameter } from '../storedParameters.js';
import { batchOf, findTarget, lockOpen, logOnce, type Span } from './batch.js';
import { MAX_NAME } from './readPoints.js';

const MAX_PARAMETERS = 1000;
const MAX_TEXT = 10_000;
const MAX_ITEMS = 1000;

export interface GivenParameter {
  name: string;
  number?: number | null;
  text?: string | null;
  boolean?: boolean | null;
  numbers?: number[] | null;
  texts?: string[] | null;
}

/** By name, so that their order makes no other request. @throws ShingoError BAD_USER_INPUT */
export function readParameters(given: readonly GivenParameter[]): TypedParameter[] {
  const bad = (message: string, ...field: (string | number)[]) =>
    new ShingoError('BAD_USER_INPUT', message, 400, ['parameters', ...field.map(String)]);
  if (given.length > MAX_PARAMETERS) throw bad(`${MAX_PARAMETERS} parameters at most; send several batches.`);
  const seen = new Set<string>();
  const read = given.map(({ name, ...values }, index): TypedParameter => {
    const { number = null, text = null, boolean = null, numbers = null, texts = null } = values;
    const typed = { number, text, boolean, numbers, texts };
    if (name.trim() !== name || name.length < 1 || name.length > MAX_NAME)
      throw bad(`A name has 1 to ${MAX_NAME} characters, without blanks at its ends.`, index, 'name');
    if (seen.has(name)) throw bad(`${JSON.stringify(name)} is there twice.`, index, 'name');
    seen.add(name);
    const types = Object.values(typed).filter((value) => value !== null);
    if (types.length > 1)
      throw bad('A parameter has one of number, text, boolean, numbers and texts; none: it is off.', index);
    if ((numbers ?? texts ?? []).length > MAX_ITEMS)
      throw bad(`A list has ${MAX_ITEMS} items at most.`, index, numbers ? 'numbers' : 'texts');
    if ([text, ...(texts ?? [])].some((one) => one !== null && one.length > MAX_TEXT))
      throw bad(`A text has ${MAX_TEXT} characters at most; log a longer one as an artifact.`, index);
    return { name, ...typed };
  });
  return read.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * A parameter is what went in: it is logged once, and the same again is no error.
 * @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_LOGGED, EXPERIMENT_ENDED, CONFLICT, PARAMETER_LOGGED, BAD_USER_INPUT
 */
export async function logParameters(
  db: DataSource,
  experimentUuid: string,
  batchId: string,
  given: readonly GivenParameter[],
): Promise<Span> {
  const parameters = readParameters(given);
  const batch = batchOf(batchId, 'PARAMETERS', JSON.stringify(parameters));
  const target = await findTarget(db, experimentUuid, batch);
  return logOnce(db, target, batch, async (manager) => {
    await lockOpen(manager, experimentUuid);
    const other = await insertParameters(manager, experimentUuid, parameters);
    if (other.length === 0) return;
    const message = `Logged before with another value: ${other.slice(0, 10).join(', ')}. A parameter says what went in and does not change; a number that changes is a metric.`;
    throw new ShingoError('PARAMETER_LOGGED', message, 409, ['parameters']);
  });
}
