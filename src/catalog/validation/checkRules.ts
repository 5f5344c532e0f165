/** Which rules can be: a parameter that means nothing, or nothing to this kind, is refused where it stands. */
import { ShingoError } from '../../platform/error.js';
import { Category, LightColor } from '../vocabulary.js';
import { ValidationKind, ValidationSeverity, type RuleParameter, type ValidationRule } from './rule.js';

/** Rows are counted by what all rules say of them: each more may double the number of groups. */
export const MAX_RULES = 25;

interface Parameters {
  required?: RuleParameter[];
  optional?: RuleParameter[];
  /** At least one of the optional ones. */
  any?: boolean;
}

const PARAMETERS: Record<ValidationKind, Parameters> = {
  HAS_TIME: {},
  HAS_PLACE: {},
  HAS_POSITION: {},
  HAS_SIZE: {},
  HAS_BYTES: {},
  HAS_DRIVE: {},
  LABELLED: {},
  HAS_COLOR: {},
  BRIGHTNESS: { optional: ['min', 'max'], any: true },
  DARKNESS: { optional: ['min', 'max'], any: true },
  CONFLICTS: { required: ['maxSteps'] },
  BOX_INSIDE: { optional: ['tolerance'] },
  BOX_SIZE: { optional: ['minWidth', 'minHeight'], any: true },
  CLASSES_KNOWN: { required: ['categories'], optional: ['colors'] },
  CLASS_COUNT: { required: ['atLeast'], optional: ['classes', 'perSplit'] },
};

const within = (least: number, most: number, whole: boolean) => (value: unknown) =>
  typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))
    ? null
    : `is ${whole ? 'a whole number' : 'a number'}, ${least} to ${most}`;
const words = (known: object) => (value: unknown) => {
  const [list, names] = [value as unknown[], Object.values(known)];
  if (list.length === 0 || new Set(list).size < list.length) return 'lists one or more, each once';
  const wrong = list.find((one) => !names.includes(one));
  return wrong === undefined ? null : `does not know ${JSON.stringify(wrong)}; there are ${names.join(', ')}`;
};

/** What is wrong with a value, or null. */
const VALUE: Record<RuleParameter, (value: unknown) => string | null> = {
  min: within(0, 1, false),
  max: within(0, 1, false),
  maxSteps: within(0, 3, true),
  tolerance: within(0, 10_000, false),
  minWidth: within(0, 100_000, false),
  minHeight: within(0, 100_000, false),
  categories: words(Category),
  colors: words(LightColor),
  classes: classesProblem,
  atLeast: within(1, 1_000_000_000, true),
  perSplit: () => null,
};

function classesProblem(value: unknown): string | null {
  const classes = value as NonNullable<ValidationRule['classes']>;
  const keys = classes.map(({ category, color }) => `${category} ${color ?? ''}`);
  if (keys.length === 0 || new Set(keys).size < keys.length) return 'lists one or more, each once';
  for (const { category, color } of classes) {
    const unknown = words(Category)([category]) ?? (color == null ? null : words(LightColor)([color]));
    if (unknown) return unknown;
    if (color != null && category !== Category.TRAFFIC_LIGHT) return `has a colour on a ${category}`;
  }
  return null;
}

/**
 * The rules without the parameters that are missing, as they are stored.
 * @throws ShingoError BAD_USER_INPUT; its field names the rule and the parameter
 */
export function checkedRules(rules: readonly ValidationRule[]): ValidationRule[] {
  const bad = (message: string, ...field: string[]) =>
    new ShingoError('BAD_USER_INPUT', message, 400, ['rules', ...field]);
  if (rules.length > MAX_RULES) throw bad(`A project has at most ${MAX_RULES} rules.`);
  return rules.map((rule, index) => {
    const problem = ruleProblem(rule);
    if (problem) throw bad(`${rule.kind}: ${problem.message}.`, String(index), problem.field);
    const given = Object.entries(rule).filter(([, value]) => value != null);
    return Object.fromEntries(given) as unknown as ValidationRule;
  });
}

function ruleProblem(rule: ValidationRule): { field: string; message: string } | null {
  if (!(rule.kind in PARAMETERS)) return { field: 'kind', message: 'there is no such kind' };
  if (!(rule.severity in ValidationSeverity))
    return { field: 'severity', message: 'severity is ERROR or WARNING' };
  const { required = [], optional = [], any = false } = PARAMETERS[rule.kind];
  const [missing] = required.filter((name) => rule[name] == null);
  if (missing) return { field: missing, message: `${missing} is missing` };
  if (any && optional.every((name) => rule[name] == null))
    return { field: optional[0] as string, message: `give ${optional.join(' or ')}` };
  for (const name of Object.keys(VALUE) as RuleParameter[]) {
    if (rule[name] == null) continue;
    if (![...required, ...optional].includes(name))
      return { field: name, message: `${name} means nothing to this kind` };
    const message = VALUE[name](rule[name]);
    if (message) return { field: name, message: `${name} ${message}` };
  }
  if (rule.min != null && rule.max != null && rule.min > rule.max)
    return { field: 'min', message: 'min is more than max' };
  return null;
}
