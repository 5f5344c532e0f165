/** What a project wants to have, by cell, and what it lacks: the answer to "what do we collect next?". */
import { Field, Float, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity, type DataSource } from 'typeorm';
import { compileWhere, Parameters, type Where } from '../../graphql/list/where.js';
import { Node, uuidOf } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import { selectByKey, selectOne } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { conditionFilters, conditionsOf } from '../condition/conditionService.js';
import { imageFields } from '../image/imageFields.js';
import { KEYS } from './columns/axes.js';
import type { CoverageLimits } from './columns/coverageColumns.js';
import { CoverageDimension, CoverageMeasure, crossTabs, type CoverageRequest } from './coverage.js';

const MAX_TARGETS = 500;
const MAX_DIMENSIONS = 4;
const MAX_KEYS = 100;
/** Of all targets of a project together. */
const MAX_CELLS = 10_000;

@InputType('CoverageTargetCellInput')
@ObjectType('CoverageTargetCell', { description: 'The values of one dimension for which the target stands.' })
export class TargetAxis {
  @Field(() => CoverageDimension)
  dimension: CoverageDimension;
  @Field(() => [String], { description: 'Each is a cell of its own. Ids for PLACE, names for CONDITION.' })
  keys: string[];
}

@InputType('CoverageWantInput')
@ObjectType('CoverageWant')
export class Want {
  @Field(() => CoverageMeasure)
  measure: CoverageMeasure;
  @Field(() => Int, { description: 'At least so many in each cell.' })
  atLeast: number;
}

/** For instance 500 red lights 8 to 16 px wide at night in rain, from 20 places. */
@Entity('coverage_target')
@ObjectType({ implements: Node })
export class CoverageTarget extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => String, { description: 'Unique within the project.' })
  name: string;

  @Column('jsonb')
  @Field(() => [TargetAxis], { description: 'The product of their keys are the cells.' })
  cells: TargetAxis[];

  @Column('jsonb')
  filter: Where;

  @Column('jsonb')
  @Field(() => [Want])
  wants: Want[];

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Field(() => String, { description: 'The images that count, as JSON: an ImageWhere as in variables.' })
  get where(): string {
    return JSON.stringify(this.filter);
  }
}

export interface TargetFields {
  name: string;
  cells: TargetAxis[];
  where?: Where | null;
  wants: Want[];
}

const bad = (message: string, field: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);

/** A target of this name is replaced. @throws ShingoError BAD_USER_INPUT, FILTER_INVALID, CONDITION_UNKNOWN */
export async function setTarget(
  db: DataSource,
  projectUuid: string,
  fields: TargetFields,
): Promise<CoverageTarget> {
  check(fields);
  await checkKeys(db, projectUuid, fields.cells);
  const filter = fields.where ?? {};
  const condition = await conditionFilters(db, projectUuid, filter);
  compileWhere(imageFields(), filter, { parameters: new Parameters(), condition });
  return db.transaction(async (manager) => {
    // One at a time in a project: two requests could both find room for the last one.
    await manager.query('/* target.hold */ SELECT 1 FROM project WHERE id = $1 FOR NO KEY UPDATE', [
      projectUuid,
    ]);
    const others: { cells: TargetAxis[] }[] = await manager.query(
      '/* target.others */ SELECT cells FROM coverage_target WHERE project_id = $1 AND name <> $2',
      [projectUuid, fields.name],
    );
    const cells = [...others, fields].reduce((sum, target) => sum + size(target.cells), 0);
    if (others.length >= MAX_TARGETS || cells > MAX_CELLS) {
      throw bad(`The targets of a project are at most ${MAX_TARGETS} with ${MAX_CELLS} cells.`, 'cells');
    }
    const [{ id }] = await manager.query(
      `/* target.set */ INSERT INTO coverage_target (id, project_id, name, cells, filter, wants)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (project_id, name) DO UPDATE SET cells = $4, filter = $5, wants = $6 RETURNING id`,
      [
        newId(),
        projectUuid,
        fields.name,
        JSON.stringify(fields.cells),
        JSON.stringify(filter),
        JSON.stringify(fields.wants),
      ],
    );
    return (await selectOne(manager, CoverageTarget, id as string)) as CoverageTarget;
  });
}

const size = (cells: TargetAxis[]) => cells.reduce((product, { keys }) => product * keys.length, 1);

function check({ name, cells, wants }: TargetFields): void {
  if (name.length === 0 || name.length > 200)
    throw bad('A target has a name of 1 to 200 characters.', 'name');
  if (cells.length === 0 || cells.length > MAX_DIMENSIONS)
    throw bad(`A target has 1 to ${MAX_DIMENSIONS} dimensions.`, 'cells');
  if (new Set(cells.map(({ dimension }) => dimension)).size < cells.length)
    throw bad('A dimension stands once in a target.', 'cells');
  for (const { dimension, keys } of cells) {
    if (keys.length === 0 || keys.length > MAX_KEYS || new Set(keys).size < keys.length)
      throw bad(`${dimension} takes 1 to ${MAX_KEYS} different keys.`, 'cells');
    if (dimension === CoverageDimension.PLACE) keys.forEach((key) => uuidOf('Place', key));
  }
  if (wants.length === 0 || new Set(wants.map(({ measure }) => measure)).size < wants.length)
    throw bad('A target wants at least one measure, each once.', 'wants');
  if (wants.some(({ atLeast }) => atLeast < 1)) throw bad('atLeast is 1 or more.', 'wants');
}

/** A cell that can never fill is a mistake. The names of countries and cities are free: they may be yet to come. */
async function checkKeys(db: DataSource, projectUuid: string, cells: TargetAxis[]): Promise<void> {
  for (const { dimension, keys } of cells) {
    if (dimension === CoverageDimension.PLACE) {
      const rows: { id: string }[] = await db.query(
        '/* target.places */ SELECT id FROM place WHERE project_id = $1 AND id = ANY($2)',
        [projectUuid, keys.map((key) => uuidOf('Place', key))],
      );
      if (rows.length < keys.length) throw bad('The project has no such place.', 'cells');
      continue;
    }
    const known =
      dimension === CoverageDimension.CONDITION
        ? (await conditionsOf(db, projectUuid)).map(({ name }) => name)
        : KEYS[dimension]?.filter((key) => key !== null);
    const unknown = keys.find((key) => known && !known.includes(key));
    if (unknown !== undefined)
      throw bad(
        `${dimension} is never ${JSON.stringify(unknown)}; its keys are ${known!.join(', ')}.`,
        'cells',
      );
  }
}

/** @throws ShingoError NOT_FOUND */
export async function deleteTarget(db: DataSource, uuid: string): Promise<void> {
  const [, deleted] = await db.query('/* target.delete */ DELETE FROM coverage_target WHERE id = $1', [uuid]);
  if (deleted === 0) throw new ShingoError('NOT_FOUND', 'There is no such coverage target.', 404, ['id']);
}

export async function targetsOf(db: DataSource, projectUuid: string): Promise<CoverageTarget[]> {
  return (await selectByKey(db, CoverageTarget, 'project_id', [projectUuid], 'name')).get(projectUuid) ?? [];
}

@ObjectType()
export class CoverageShortfall {
  @Field(() => CoverageMeasure)
  measure: CoverageMeasure;
  @Field(() => Float)
  have: number;
  @Field(() => Int)
  want: number;
  @Field(() => Float, { description: 'To collect; 0: there are enough.' })
  missing: number;
}

@ObjectType({ description: 'A cell of a target that falls short.' })
export class CoverageGap {
  @Field(() => CoverageTarget)
  target: CoverageTarget;
  @Field(() => [CoverageDimension])
  by: CoverageDimension[];
  @Field(() => [String], { description: 'One a dimension, in their order.' })
  keys: string[];
  @Field(() => [CoverageShortfall], { description: 'Of every measure that the target names.' })
  wants: CoverageShortfall[];
  @Field(() => Float, { description: 'The largest share that is missing of a measure: 1, nothing is there.' })
  shortfall: number;
}

/** The cells that fall short, by shortfall, then by what is missing. One moment, one pass for targets of one shape. */
export async function coverageGaps(
  db: DataSource,
  projectUuid: string,
  limits?: CoverageLimits,
): Promise<CoverageGap[]> {
  const targets = await targetsOf(db, projectUuid);
  const requests = new Map<string, CoverageRequest>();
  const requestOf = (target: CoverageTarget): string => {
    const by = target.cells.map(({ dimension }) => dimension);
    const measure = target.wants.map((want) => want.measure).sort();
    const key = JSON.stringify([by, target.filter, measure]);
    if (!requests.has(key)) requests.set(key, { by, where: target.filter, measure });
    return key;
  };
  const keyed = targets.map((target) => [target, requestOf(target)] as const);
  const tabs = await crossTabs(db, projectUuid, [...requests.values()], { limits });
  const cellsOf = new Map(
    [...requests.keys()].map((key, index) => [
      key,
      new Map(tabs[index]!.cells.map((cell) => [JSON.stringify(cell.keys), cell])),
    ]),
  );
  const gaps: CoverageGap[] = [];
  for (const [target, key] of keyed) {
    for (const keys of product(target.cells.map((axis) => axis.keys))) {
      const own = keys.map((one, index) =>
        target.cells[index]!.dimension === CoverageDimension.PLACE ? uuidOf('Place', one) : one,
      );
      const cell = cellsOf.get(key)!.get(JSON.stringify(own));
      const wants = target.wants.map(({ measure, atLeast }) => {
        const have = cell?.[FIELD[measure]] ?? 0;
        return { measure, have, want: atLeast, missing: Math.max(0, atLeast - have) };
      });
      const shortfall = Math.max(...wants.map(({ missing, want }) => missing / want));
      if (shortfall > 0)
        gaps.push({ target, by: target.cells.map(({ dimension }) => dimension), keys, wants, shortfall });
    }
  }
  const missing = (gap: CoverageGap) => gap.wants.reduce((sum, want) => sum + want.missing, 0);
  return gaps.sort((a, b) => b.shortfall - a.shortfall || missing(b) - missing(a));
}

const FIELD = {
  [CoverageMeasure.IMAGES]: 'images',
  [CoverageMeasure.LIGHTS]: 'lights',
  [CoverageMeasure.OBJECTS]: 'objects',
  [CoverageMeasure.PLACES]: 'places',
  [CoverageMeasure.DRIVES]: 'drives',
} as const;

function product(lists: string[][]): string[][] {
  return lists.reduce<string[][]>(
    (heads, list) => heads.flatMap((head) => list.map((key) => [...head, key])),
    [[]],
  );
}
