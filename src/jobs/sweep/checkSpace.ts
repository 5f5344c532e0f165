/** A space against the schema of the network: every value that can come out of it must be one that can be trained. */
import { parameterList, type ParameterDescription } from '../../training/parameterList.js';
import type { TrainingParameters } from '../../training/protocol.js';
import { checkParameters } from '../start/checkParameters.js';
import { badSpace, type Assigned, type SpaceParameter, type Value } from './space.js';

/** @throws ShingoError SWEEP_SPACE */
export function checkAgainstNetwork(
  space: readonly SpaceParameter[],
  { algorithm, task }: Pick<TrainingParameters, 'algorithm' | 'task'>,
): void {
  const known = parameterList(algorithm, task);
  for (const [at, one] of space.entries()) {
    const about = known.find(({ name }) => name === one.name);
    const bad = (message: string) => badSpace(`${one.name}: ${message}`, String(at));
    if (!about || about.name.startsWith('monitor.'))
      throw bad(`${algorithm} has no such parameter to sweep; see the query networks.`);
    if (about.type === 'MAP') throw bad('a value for each of several names cannot be swept.');
    if (one.kind === 'range' && about.type !== (one.int ? 'INT' : 'FLOAT'))
      throw bad(`it is a ${about.type}; give ${RANGE[about.type]}.`);
    const values = one.kind === 'range' ? [one.min, one.max] : one.values;
    for (const value of values) {
      const problem = problemOf(about, value);
      if (problem) throw bad(problem);
    }
  }
}

const RANGE: Record<ParameterDescription['type'], string> = {
  INT: 'int, or numbers to choose from',
  FLOAT: 'float, or numbers to choose from',
  STRING: 'texts to choose from',
  BOOLEAN: 'booleans to choose from',
  MAP: 'none',
};
const TYPES = {
  INT: 'number',
  FLOAT: 'number',
  STRING: 'string',
  BOOLEAN: 'boolean',
  MAP: 'object',
} as const;

function problemOf(about: ParameterDescription, value: Value): string | null {
  const { type, minimum, maximum, exclusive, values } = about;
  if (typeof value !== TYPES[type] || (type === 'INT' && !Number.isInteger(value)))
    return `it is a ${type}; give ${RANGE[type]}.`;
  if (typeof value === 'number') {
    if (minimum !== null && (exclusive ? value <= minimum : value < minimum))
      return `${value} is too low: ${exclusive ? 'above ' : ''}${minimum} to ${maximum}.`;
    if (maximum !== null && value > maximum) return `${value} is too high: ${minimum} to ${maximum}.`;
  }
  return values && !values.includes(String(value)) ? `${value} is none of ${values.join(', ')}.` : null;
}

/**
 * The parameters of a trial.
 * @param given as GraphQL gives them, or as they are kept
 * @throws UserErrors of BAD_PARAMETER: values that are right alone need not be together
 */
export function parametersOfTrial(given: object, assigned: Assigned): TrainingParameters {
  const parameters = structuredClone(given) as Record<string, unknown>;
  for (const [name, value] of Object.entries(assigned)) {
    const [first, second] = name.split('.') as [string, string?];
    if (second === undefined) parameters[first] = value;
    else parameters[first] = { ...(parameters[first] as object | undefined), [second]: value };
  }
  return checkParameters(parameters);
}
