/** `where` inputs → SQL. Every value is a parameter; names come from the declaration only. */
import { ShingoError } from '../../platform/error.js';
import { compileColumn } from './comparison.js';
import type { Fields } from './fields.js';

export type Where = Record<string, unknown>;

/** A filter deeper or longer than these is a mistake or an attack; PostgreSQL's planner suffers long before. */
const MAX_DEPTH = 8;
const MAX_TERMS = 200;

export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown, sqlType: string): string {
    this.values.push(value);
    return `$${this.values.length}::${sqlType}`;
  }
}

export interface WhereContext {
  parameters: Parameters;
  /** The filter of a named condition. @throws ShingoError CONDITION_UNKNOWN */
  condition?: (name: string) => Where;
  /**
   * For rows that come one after the other and may be stopped at any: an EXISTS is asked of each by an index and not
   * made a join or a table of all that exist. Measured: 3 ms for a page of 5,000 rows to choose from, not 140.
   */
  perRow?: boolean;
  /**
   * An `or` of rows of other tables as a union of those that each branch finds: PostgreSQL joins it. An OR of EXISTS it
   * asks of one row after the other: 8 s, not 0.1, for 100,000 experiments. `terms` are those of the project, of `t`.
   */
  union?: { table: string; terms: string[] } | undefined;
  /** What filters of a kind of their own had looked up beforehand, by the filter's object. */
  known?: ReadonlyMap<object, unknown>;
}

interface Budget {
  terms: number;
  aliases: number;
}

const refuse = (message: string): never => {
  throw new ShingoError('FILTER_INVALID', message);
};

function spend(budget: Budget): void {
  if (++budget.terms > MAX_TERMS) refuse(`A filter may have ${MAX_TERMS} terms.`);
}

/**
 * A boolean SQL expression for WHERE: a comparison with a missing value does not hold, and `not` is the complement
 * (`IS NOT TRUE`), so that a filter and its `not` together give every row exactly once.
 */
export function compileWhere(
  fields: Fields,
  where: Where | null | undefined,
  context: WhereContext,
  alias = 't',
  budget: Budget = { terms: 0, aliases: 0 },
  depth = 0,
): string {
  if (depth > MAX_DEPTH) refuse(`A filter may be nested ${MAX_DEPTH} deep.`);
  const terms: string[] = [];
  const deeper = (inner: Where) => compileWhere(fields, inner, context, alias, budget, depth + 1);
  // Itself counted too: a list of a million empty objects has no other term.
  spend(budget);
  for (const [name, value] of Object.entries(where ?? {})) {
    if (value == null) continue;
    spend(budget);
    if (name === 'or' && context.union && isJoined(fields, value as Where[])) {
      const { table, terms: own } = context.union;
      // A union within a union was read anew for each of its rows, by each level: 30 s for 60 rows, three deep.
      const within = { ...context, union: undefined };
      const branches = alternatives(value as Where[], depth + 1, budget).map((branch) => {
        const other = `u${++budget.aliases}`;
        const found = compileWhere(fields, branch.where, within, other, budget, branch.depth);
        const of = own.map((term) => `${term.replaceAll(/\bt\./g, `${other}.`)} AND `).join('');
        return `SELECT ${other}.id FROM "${table}" ${other} WHERE ${of}${found}`;
      });
      terms.push(`${alias}.id IN (${branches.join(' UNION ALL ')})`);
    } else if (name === 'and' || name === 'or') terms.push(junction(name, value as Where[], deeper));
    else if (name === 'not') {
      // What is not in a union is no join either.
      const inner = { ...context, union: undefined };
      const sql = compileWhere(fields, value as Where, inner, alias, budget, depth + 1);
      terms.push(complement(fields, value as Where, sql));
    } else terms.push(compileField(fields, name, value, context, alias, budget, depth));
  }
  return terms.length === 0 ? 'true' : `(${terms.join(' AND ')})`;
}

/** The branches of an `or`, and of those that are nothing but another `or` theirs. */
function alternatives(branches: Where[], depth: number, budget: Budget): { where: Where; depth: number }[] {
  if (depth > MAX_DEPTH) refuse(`A filter may be nested ${MAX_DEPTH} deep.`);
  return branches.flatMap((where) => {
    const said = Object.keys(where).filter((name) => where[name] != null);
    const inner = where.or as Where[] | null | undefined;
    if (said.length !== 1 || !inner?.length) return [{ where, depth }];
    spend(budget);
    return alternatives(inner, depth + 1, budget);
  });
}

/** Several branches, one of which looks into another table. */
function isJoined(fields: Fields, branches: Where[]): boolean {
  const looks = (where: Where): boolean =>
    Object.entries(where).some(([name, value]) => {
      if (value == null) return false;
      if (name === 'and' || name === 'or') return (value as Where[]).some(looks);
      if (name === 'not') return looks(value as Where);
      return ['relation', 'special'].includes(fields[name]?.kind ?? '');
    });
  return branches.length > 1 && branches.some(looks);
}

/** An EXISTS is never null, and a plain NOT before it lets PostgreSQL join: 1.5 s, not 3 s, for images without a box. */
function complement(fields: Fields, inner: Where, sql: string): string {
  const names = Object.keys(inner).filter((name) => inner[name] != null);
  const field = names.length === 1 ? fields[names[0] as string] : undefined;
  const exists = field?.kind === 'relation' || (field?.kind === 'special' && field.exists);
  return exists ? `NOT ${sql}` : `(${sql}) IS NOT TRUE`;
}

function junction(name: 'and' | 'or', list: Where[], deeper: (inner: Where) => string): string {
  if (list.length === 0) return name === 'and' ? 'true' : 'false';
  return `(${list.map(deeper).join(` ${name.toUpperCase()} `)})`;
}

function compileField(
  fields: Fields,
  name: string,
  value: unknown,
  context: WhereContext,
  alias: string,
  budget: Budget,
  depth: number,
): string {
  const field = fields[name] ?? refuse(`There is no filter ${JSON.stringify(name)}.`);
  if (field.kind === 'column') return compileColumn(name, field, value as Where, context.parameters, alias);
  if (field.kind === 'special')
    return field.compile(value, { ...context, alias, spend: () => spend(budget) });
  if (field.kind === 'condition') {
    if (!context.condition) return refuse('A condition cannot be defined by another condition.');
    const inner = context.condition(String(value));
    // Without `condition` in its own context a condition cannot name itself, so there is no cycle. It was as deep as it
    // may be when it was defined: whoever could define it can use it anywhere.
    return compileWhere(fields, inner, { ...context, condition: undefined }, alias, budget);
  }
  const inner = (field.many ? (value as { some?: Where }).some : value) as Where | undefined;
  const other = field.list();
  const otherAlias = `s${++budget.aliases}`;
  const on = field.on.replaceAll('t.', `${alias}.`).replaceAll('s.', `${otherAlias}.`);
  const within = { ...context, union: undefined };
  const rest = compileWhere(other.fields, inner, within, otherAlias, budget, depth + 1);
  return `EXISTS (SELECT 1 FROM "${other.table}" ${otherAlias} WHERE ${on} AND ${rest}${context.perRow ? ' OFFSET 0' : ''})`;
}

/** What a filter demands of one column whatever else it says: bounds for a walk along that column's index. */
export function boundsOf(
  fields: Fields,
  name: string | undefined,
  where: Where | null | undefined,
  parameters: Parameters,
): string[] {
  const field = name === undefined ? undefined : fields[name];
  if (name === undefined || field?.kind !== 'column') return [];
  const demands = (inner: Where | null | undefined): Where[] => {
    const own = inner?.[name] as Where | null | undefined;
    const all = (inner?.and ?? []) as Where[];
    return [...(own ? [own] : []), ...all.flatMap(demands)];
  };
  return demands(where).map((filter) => compileColumn(name, field, filter, parameters, 't'));
}
