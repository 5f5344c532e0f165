/** A typed space of parameters, and the trials that are chosen from it: the same seed, the same trials. Pure. */
import { ShingoError } from '../../platform/error.js';
import { generator, mixSeeds } from '../../training/random.js';

export type Value = number | string | boolean;
export type SpaceParameter =
  | {
      name: string;
      kind: 'range';
      int: boolean;
      min: number;
      max: number;
      log: boolean;
      count: number | null;
    }
  | { name: string; kind: 'choice'; values: Value[] };
export type Assigned = Record<string, Value>;

export const MAX_TRIALS = 256;
export const MAX_PARAMETERS = 20;
const MAX_CHOICES = 100;

export const badSpace = (message: string, ...field: string[]): ShingoError =>
  new ShingoError('SWEEP_SPACE', message, 400, ['space', ...field]);

/** Bounds that are bounds, choices that are some, names that are there once. @throws ShingoError SWEEP_SPACE */
export function checkSpace(space: readonly SpaceParameter[]): void {
  if (space.length < 1 || space.length > MAX_PARAMETERS)
    throw badSpace(`A sweep is over 1 to ${MAX_PARAMETERS} parameters.`);
  for (const [at, one] of space.entries()) {
    const bad = (message: string) => badSpace(`${one.name}: ${message}`, String(at));
    if (space.findIndex(({ name }) => name === one.name) !== at) throw bad('it is there twice.');
    if (one.kind === 'choice') {
      if (one.values.length < 1 || one.values.length > MAX_CHOICES)
        throw bad(`1 to ${MAX_CHOICES} values to choose from.`);
      if (one.values.some((value) => typeof value === 'number' && !Number.isFinite(value)))
        throw bad('every number is finite.');
      if (new Set(one.values).size < one.values.length) throw bad('a value is there twice.');
      continue;
    }
    if (!(Number.isFinite(one.min) && Number.isFinite(one.max) && one.min < one.max))
      throw bad('min is below max.');
    if (one.log && one.min <= 0) throw bad('a LOG range begins above 0.');
    if (one.count !== null && (one.count < 2 || one.count > MAX_TRIALS))
      throw bad(`count is 2 to ${MAX_TRIALS}.`);
  }
}

/** Every combination, the last parameter changing fastest. @throws ShingoError SWEEP_SPACE, SWEEP_TOO_LARGE */
export function gridOf(space: readonly SpaceParameter[]): Assigned[] {
  const axes = space.map((one, at) => {
    if (one.kind === 'range' && one.count === null)
      throw badSpace(
        `${one.name}: say how many values of the range a grid has (count).`,
        String(at),
        'count',
      );
    return pointsOf(one);
  });
  const size = axes.reduce((product, { length }) => product * length, 1);
  if (size > MAX_TRIALS) throw tooLarge(`The grid has ${size} combinations`);
  return axes.reduce<Assigned[]>(
    (rows, values, at) =>
      rows.flatMap((row) => values.map((value) => ({ ...row, [space[at]!.name]: value }))),
    [{}],
  );
}

/**
 * So many different ones.
 * @param seed 0 or more; what a trial is drawn from follows from it and the trial's place alone
 * @throws ShingoError SWEEP_TOO_LARGE, SWEEP_SPACE if there are not so many
 */
export function drawnFrom(space: readonly SpaceParameter[], trials: number, seed: number): Assigned[] {
  if (trials < 1 || trials > MAX_TRIALS) throw tooLarge(`${trials} trials`);
  const found = new Map<string, Assigned>();
  for (let draw = 0; found.size < trials; draw += 1) {
    if (draw >= trials * 1_000)
      throw badSpace(
        `There are no ${trials} different combinations; ask for ${found.size}, or widen the space.`,
      );
    const assigned = Object.fromEntries(
      space.map((one, at) => [one.name, valueAt(one, generator(mixSeeds(seed, draw, at))())]),
    );
    const key = JSON.stringify(assigned);
    if (!found.has(key)) found.set(key, assigned);
  }
  return [...found.values()];
}

const tooLarge = (what: string) =>
  new ShingoError('SWEEP_TOO_LARGE', `${what}; a sweep has 1 to ${MAX_TRIALS} trials.`, 400, ['trials']);

function pointsOf(one: SpaceParameter): Value[] {
  if (one.kind === 'choice') return one.values;
  const count = one.count ?? 2;
  const values = Array.from({ length: count }, (_, i) =>
    i === 0 ? one.min : i === count - 1 ? one.max : valueAt(one, i / (count - 1), 'grid'),
  );
  return [...new Set(values)];
}

/** @param share of the way through, 0 to 1; of a choice and of whole numbers drawn below 1, each as likely */
function valueAt(one: SpaceParameter, share: number, how: 'grid' | 'drawn' = 'drawn'): Value {
  if (one.kind === 'choice') return one.values[Math.floor(share * one.values.length)] as Value;
  const { min, max, log, int } = one;
  const between = (from: number, to: number) =>
    log ? Math.exp(Math.log(from) + share * (Math.log(to) - Math.log(from))) : from + share * (to - from);
  const kept = (value: number) => Math.min(max, Math.max(min, value));
  if (!int) return kept(Number(between(min, max).toPrecision(6)));
  // Half a step on either side, so that the ends are drawn as often as the others.
  return kept(
    Math.round(how === 'grid' ? between(min, max) : between(Math.max(min - 0.5, min / 2), max + 0.499999)),
  );
}
