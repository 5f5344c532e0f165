/**
 * Judges the rows of a source by rules: two statements at most, whatever the number of rows and of rules. Rows are counted
 * by what all rules say of them, so one scan answers all, and few groups come back: those of verdicts that occur together.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { Parameters } from '../../graphql/list/where.js';
import { classCounts, type ClassTally } from './classCounts.js';
import { BOX_RULES, IMAGE_RULES, type FailedRow, type RowRule } from './kinds.js';
import { MAX_EXAMPLES, reportOf, type ValidationReport, type ValidationResult } from './report.js';
import { ValidationKind, type ValidationRule } from './rule.js';
import type { Source } from './sources.js';

type Db = DataSource | EntityManager;

/** Rows of the same verdicts. */
interface Group {
  /** By rule: it holds, it fails, or there is nothing to judge. */
  verdicts: (boolean | null)[];
  split: string | null;
  n: number;
  examples: FailedRow[];
}
type BoxGroup = Group & ClassTally;

/** @param sourceOf called for each statement, whose parameters are its own */
export async function judge(
  db: Db,
  sourceOf: (parameters: Parameters) => Source,
  rules: readonly ValidationRule[],
): Promise<ValidationReport> {
  const ofImages = rules.filter(({ kind }) => kind in IMAGE_RULES);
  const ofBoxes = rules.filter(({ kind }) => kind in BOX_RULES);
  const images = await imageGroups(db, sourceOf, ofImages);
  const boxes =
    ofBoxes.length > 0 || rules.some(({ kind }) => kind === ValidationKind.CLASS_COUNT)
      ? await boxGroups(db, sourceOf, ofBoxes)
      : [];
  const splits = [...new Set(images.map(({ split }) => split))];
  const results = rules.map((rule): ValidationResult => {
    if (rule.kind === ValidationKind.CLASS_COUNT) return classCounts(rule, boxes, splits);
    const rowRule = (IMAGE_RULES[rule.kind] ?? BOX_RULES[rule.kind]) as RowRule;
    return ofImages.includes(rule)
      ? resultOf(rule, rowRule, images, ofImages.indexOf(rule))
      : resultOf(rule, rowRule, boxes, ofBoxes.indexOf(rule));
  });
  return reportOf(
    images.reduce((sum, { n }) => sum + n, 0),
    results,
  );
}

function imageGroups(
  db: Db,
  sourceOf: (parameters: Parameters) => Source,
  rules: readonly ValidationRule[],
): Promise<Group[]> {
  const parameters = new Parameters();
  const verdicts = verdictsOf(rules, IMAGE_RULES, parameters);
  const statement = grouped(sourceOf(parameters).images, verdicts, ['split'], IMAGE_EXAMPLE);
  return db.query(`/* validation.images */ ${statement}`, parameters.values);
}

function boxGroups(
  db: Db,
  sourceOf: (parameters: Parameters) => Source,
  rules: readonly ValidationRule[],
): Promise<BoxGroup[]> {
  const parameters = new Parameters();
  const verdicts = verdictsOf(rules, BOX_RULES, parameters);
  const by = ['split', 'category', 'color'];
  const statement = grouped(sourceOf(parameters).boxes, verdicts, by, BOX_EXAMPLE);
  return db.query(`/* validation.boxes */ ${statement}`, parameters.values);
}

/** One boolean a rule. Not one number of them all: PostgreSQL knows that a boolean makes few groups. */
const verdictsOf = (
  rules: readonly ValidationRule[],
  kinds: Partial<Record<ValidationKind, RowRule>>,
  parameters: Parameters,
): string[] => rules.map((rule) => `(${(kinds[rule.kind] as RowRule).holds(rule, parameters)})`);

const example = (columns: string[]) =>
  `jsonb_build_object(${columns.map((name) => `'${name}', ${name}`).join(', ')})`;
const IMAGE_EXAMPLE = example(['image_id', 'brightness', 'darkness', 'conflict']);
const BOX_EXAMPLE = example([
  ...['image_id', 'image_width', 'image_height', 'category', 'color', 'x', 'y', 'width', 'height'],
]);

/** An example is built of rows that fail only; first_ten keeps ten of a group and forgets the others. */
function grouped(rows: string, verdicts: string[], by: string[], built: string): string {
  const names = verdicts.map((_, index) => `v${index}`);
  const judged = ['*', ...verdicts.map((sql, index) => `${sql} AS v${index}`)].join(', ');
  const fails = names.map((name) => `${name} IS FALSE`).join(' OR ') || 'false';
  return `SELECT ARRAY[${names.join(', ')}]::boolean[] AS verdicts, ${by.join(', ')}, count(*)::int AS n,
     first_ten(${built}) FILTER (WHERE ${fails}) AS examples
   FROM (SELECT ${judged} FROM (${rows}) source) judged GROUP BY ${[...names, ...by].join(', ')}`;
}

function resultOf(rule: ValidationRule, kind: RowRule, groups: Group[], index: number): ValidationResult {
  const count = (chosen: Group[]) => chosen.reduce((sum, { n }) => sum + n, 0);
  const failing = groups.filter(({ verdicts }) => verdicts[index] === false);
  return {
    ...{ rule, severity: rule.severity },
    checked: count(groups.filter(({ verdicts }) => verdicts[index] !== null)),
    failed: count(failing),
    examples: failing
      .flatMap(({ examples }) => examples)
      .map((row) => ({ imageUuid: row.image_id, detail: kind.detail(rule, row) }))
      // Images carry the time of their registration in their ids: the oldest first.
      .sort((a, b) => (a.imageUuid + a.detail < b.imageUuid + b.detail ? -1 : 1))
      .slice(0, MAX_EXAMPLES),
  };
}
