import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The validation rules of projects, and what their reports gather examples with. See src/catalog/validation. */
export class Validation1764100003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  // In the project's own row: a batch of images that is being written holds that row, and so its rules. Null: the
  // project has declared none and is judged by the default ones; [] is a project that wants none.
  'ALTER TABLE project ADD validation_rules jsonb',
  // The first ten of a group, in memory that does not grow with the group, which array_agg's would.
  `CREATE FUNCTION first_ten_add(found jsonb[], one jsonb) RETURNS jsonb[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN cardinality(found) < 10 THEN array_append(found, one) ELSE found END $$`,
  `CREATE FUNCTION first_ten_join(a jsonb[], b jsonb[]) RETURNS jsonb[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (a || b)[1:10] $$`,
  `CREATE AGGREGATE first_ten(jsonb) (
    SFUNC = first_ten_add, STYPE = jsonb[], INITCOND = '{}', COMBINEFUNC = first_ten_join, PARALLEL = SAFE)`,
];

const DOWN = [
  'DROP AGGREGATE first_ten(jsonb)',
  'DROP FUNCTION first_ten_add, first_ten_join',
  'ALTER TABLE project DROP validation_rules',
];
