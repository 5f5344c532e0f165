/** The parameters of a training, checked against its network's schema before there is a job. */
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import { trainingParametersSchema, type TrainingParameters } from '../../training/protocol.js';

/** Null is a value of these: it switches off what they are about. */
const NULLABLE = ['patience', 'clipNorm', 'emaDecay', 'condition'];

/**
 * Fills in the defaults.
 * @param given as GraphQL gives it: any other parameter that is null counts as not given
 * @throws UserErrors of BAD_PARAMETER, each with its field
 */
export function checkParameters(given: object): TrainingParameters {
  const parsed = trainingParametersSchema.safeParse(plain(given));
  if (parsed.success) return parsed.data;
  throw new UserErrors(
    parsed.error.issues.flatMap((issue) => {
      const { path, message } = issue;
      if (issue.code !== 'unrecognized_keys') return [badParameter(path.map(String), message)];
      return issue.keys.map((key) =>
        badParameter(
          [...path.map(String), key],
          'this network has no such parameter; see the query networks',
        ),
      );
    }),
  );
}

export function badParameter(field: string[], message: string): ShingoError {
  return new ShingoError('BAD_PARAMETER', `${field.join('.')}: ${message}`, 400, ['parameters', ...field]);
}

function plain(given: object): Record<string, unknown> {
  const present = Object.entries(given).filter(
    ([name, value]) => value !== undefined && (value !== null || NULLABLE.includes(name)),
  );
  return Object.fromEntries(present.map(([name, value]) => [name, plainValue(name, value)]));
}

function plainValue(name: string, value: unknown): unknown {
  if (name.endsWith('Weights') && Array.isArray(value)) {
    const weights = value as { name: string; weight: number }[];
    return unique(
      name,
      weights.map(({ name, weight }) => [name, weight]),
    );
  }
  if (name === 'mixConditions' && Array.isArray(value))
    return unique(
      name,
      value.map((condition) => [condition as string, true]),
    );
  return typeof value === 'object' && value !== null ? plain(value) : value;
}

/** By name: in whatever order they were given, it is the same request. */
function unique<T>(field: string, entries: [string, T][]): Record<string, T> {
  const names = entries.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new UserErrors([badParameter([field], `${JSON.stringify(twice)} is there twice`)]);
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
