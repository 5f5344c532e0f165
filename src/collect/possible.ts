/** Whether a filter of images can hold of one of which only weather, time of day and scene are known. */
import type { Where } from '../graphql/list/where.js';

/** A value, or undefined where any is possible. */
export interface Known {
  weather?: string;
  timeOfDay?: string;
  scene?: string;
}

/** Kleene's: null is "it depends on what is not known". */
type Verdict = boolean | null;

const and = (verdicts: Verdict[]): Verdict =>
  verdicts.includes(false) ? false : verdicts.includes(null) ? null : true;
const or = (verdicts: Verdict[]): Verdict =>
  verdicts.includes(true) ? true : verdicts.includes(null) ? null : false;
const not = (verdict: Verdict): Verdict => (verdict === null ? null : !verdict);

/** False only where no such image can be in it. */
export const couldHold = (where: Where, known: Known): boolean => verdictOf(where, known) !== false;

function verdictOf(where: Where, known: Known): Verdict {
  return and(
    Object.entries(where)
      .filter(([, value]) => value != null)
      .map(([name, value]): Verdict => {
        if (name === 'and') return and((value as Where[]).map((one) => verdictOf(one, known)));
        if (name === 'or') return or((value as Where[]).map((one) => verdictOf(one, known)));
        if (name === 'not') return not(verdictOf(value as Where, known));
        const is = name === 'weather' || name === 'timeOfDay' || name === 'scene' ? known[name] : undefined;
        return is === undefined
          ? null
          : and(Object.entries(value as Where).map((term) => compared(is, term)));
      }),
  );
}

function compared(is: string, [operator, value]: [string, unknown]): Verdict {
  switch (operator) {
    case 'eq':
      return is === value;
    case 'ne':
      return is !== value;
    case 'in':
      return (value as unknown[]).includes(is);
    case 'notIn':
      return !(value as unknown[]).includes(is);
    case 'isNull':
      return value === false;
    default:
      return null;
  }
}
