/** What data there is, by condition: cross-tabs of a project's images. */
import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { DataSource } from 'typeorm';
import { compileWhere, Parameters, type Where } from '../../graphql/list/where.js';
import { toGlobalId } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import { conditionsOf } from '../condition/conditionService.js';
import { imageFields } from '../image/imageFields.js';
import { coverageColumns, type CoverageLimits } from './columns/coverageColumns.js';
import { LIGHT_SIZES } from './columns/columns.js';
import { TooManyCells, type Measures } from './columns/counter.js';
import { crossTab, type CrossTab, type Member } from './columns/crossTab.js';
import { maskOf, memberMask, type MaskContext } from './columns/mask.js';

export enum CoverageDimension {
  WEATHER = 'WEATHER',
  TIME_OF_DAY = 'TIME_OF_DAY',
  SCENE = 'SCENE',
  CONDITION = 'CONDITION',
  COUNTRY = 'COUNTRY',
  PREFECTURE = 'PREFECTURE',
  CITY = 'CITY',
  PLACE = 'PLACE',
  HOUR = 'HOUR',
  MONTH = 'MONTH',
  LIGHT_COLOR = 'LIGHT_COLOR',
  LIGHT_SIZE = 'LIGHT_SIZE',
  HAS_LIGHT = 'HAS_LIGHT',
}
registerEnumType(CoverageDimension, {
  name: 'CoverageDimension',
  description:
    'What a cross-tab is by. The key null is missing: nobody has said, which is not UNDEFINED, where somebody looked and could not say.',
  valuesConfig: {
    CONDITION: {
      description:
        'The conditions of the project, by name. They overlap: an image counts in each that it is in, so these cells do not add up; null: in none.',
    },
    PLACE: { description: 'The key is the id of the place.' },
    HOUR: { description: '00 to 23 by the clock of the place; null: no time or no place.' },
    MONTH: { description: '01 to 12 by the clock of the place.' },
    LIGHT_COLOR: {
      description:
        'Of each traffic light that counts (countsSource): an image counts in every cell that one of its lights is in. Null: nobody has said, as of lights that only a model without colours has found.',
    },
    LIGHT_SIZE: { description: `Width in pixels: ${LIGHT_SIZES.join(', ')}.` },
    HAS_LIGHT: {
      description:
        "YES, NO; null: nobody has looked. By a person's labels or, where only a model has looked, by what it found: where {countsSource: {eq: LABEL}} leaves those out.",
    },
  },
});

export enum CoverageMeasure {
  IMAGES = 'IMAGES',
  LIGHTS = 'LIGHTS',
  OBJECTS = 'OBJECTS',
  PLACES = 'PLACES',
  DRIVES = 'DRIVES',
}
registerEnumType(CoverageMeasure, {
  name: 'CoverageMeasure',
  description:
    'PLACES and DRIVES are distinct ones: 10,000 frames of one junction are one place. OBJECTS: people, cars, bicycles, buses and traffic lights.',
});
export const ALL_MEASURES = Object.values(CoverageMeasure);

const MAX_DIMENSIONS = 4;
const MAX_CELLS = 10_000;

@ObjectType({
  description:
    'Images that agree in every dimension asked for. Images and lights are always there; another measure that was not asked for is null.',
})
export class CoverageCell {
  @Field(() => [String], {
    nullable: 'items',
    description: 'One a dimension, in their order; null: missing.',
  })
  keys: (string | null)[];
  @Field(() => Int)
  images: number;
  @Field(() => Int, {
    description: "Annotated traffic lights in them: a person's where one has looked, else a model's.",
  })
  lights: number;
  @Field(() => Float, {
    nullable: true,
    description:
      "Annotated people, cars, bicycles, buses and traffic lights: a person's where one has looked, else a model's.",
  })
  objects: number | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Distinct places: 10,000 frames of one junction are one place.',
  })
  places: number | null;
  @Field(() => Int, { nullable: true, description: 'Distinct drives.' })
  drives: number | null;
}

@ObjectType({ description: 'What data there is: a cross-tab of images by condition.' })
export class Coverage {
  @Field(() => [CoverageDimension])
  by: CoverageDimension[];
  @Field(() => [CoverageCell], {
    description: `Cells that have images, in the order of their keys, missing last; at most ${MAX_CELLS}.`,
  })
  cells: CoverageCell[];
  @Field(() => Int, { description: 'Cells that are left out because there are too many; 0: none.' })
  moreCells: number;
  @Field(() => Int, { description: 'Images that the filter holds of, each once.' })
  total: number;
}

export interface CoverageRequest {
  by: CoverageDimension[];
  where?: Where | null;
  measure?: CoverageMeasure[] | null;
}

/**
 * @param limits those of the first call on this connection pool hold
 * @throws ShingoError BAD_USER_INPUT, FILTER_INVALID, CONDITION_UNKNOWN, COVERAGE_TOO_LARGE
 */
export async function coverage(
  db: DataSource,
  projectUuid: string,
  request: CoverageRequest,
  limits?: CoverageLimits,
): Promise<Coverage> {
  const [tab] = await crossTabs(db, projectUuid, [request], { limits, limit: MAX_CELLS });
  const { cells, more, total } = tab as Tab;
  const asked = request.measure ?? ALL_MEASURES;
  const shown = (measure: CoverageMeasure, value: number) => (asked.includes(measure) ? value : null);
  return {
    by: request.by,
    total,
    moreCells: more,
    cells: cells.map((cell) => ({
      keys: cell.keys.map((key, index) =>
        key !== null && request.by[index] === CoverageDimension.PLACE ? toGlobalId('Place', key) : key,
      ),
      images: cell.images,
      lights: cell.lights,
      objects: shown(CoverageMeasure.OBJECTS, cell.objects),
      places: shown(CoverageMeasure.PLACES, cell.places),
      drives: shown(CoverageMeasure.DRIVES, cell.drives),
    })),
  };
}

export interface Tab extends CrossTab {
  total: number;
}

/** Several cross-tabs of one moment. Places are keyed by their UUID. */
export async function crossTabs(
  db: DataSource,
  projectUuid: string,
  requests: CoverageRequest[],
  { limits, limit = Infinity }: { limits?: CoverageLimits; limit?: number } = {},
): Promise<Tab[]> {
  for (const { by } of requests) checkDimensions(by);
  // Most questions name no condition: then none is read.
  const names = JSON.stringify(requests);
  const conditions = /"(condition|CONDITION)"/.test(names) ? await conditionsOf(db, projectUuid) : [];
  const condition = (name: string): Where => {
    const found = conditions.find((one) => one.name === name);
    if (found) return found.filter;
    const names = conditions.map((one) => one.name).join(', ');
    throw new ShingoError(
      'CONDITION_UNKNOWN',
      `There is no condition ${JSON.stringify(name)}; there are ${names}.`,
    );
  };
  // Compiled for its checks: limits, unknown fields, ids of something else.
  for (const { where } of requests)
    compileWhere(imageFields(), where, { parameters: new Parameters(), condition });
  const kept = coverageColumns(db, limits);
  return kept.read(projectUuid, async (columns, client) => {
    const boxes = () => kept.boxesOf(columns, client, projectUuid);
    const context: MaskContext = { columns, client, projectUuid, condition, boxes };
    const tabs: Tab[] = [];
    const members = requests.some(({ by }) => by.includes(CoverageDimension.CONDITION))
      ? await inTurn(conditions, async ({ name, filter }) => ({
          name,
          mask: await memberMask(context, filter),
        }))
      : [];
    for (const request of requests) {
      // With the filters of the conditions: one that is edited is another question.
      const question = JSON.stringify([request, limit, conditions.map(({ name, filter }) => [name, filter])]);
      const known = columns.answers.get<Tab>(question);
      const tab = known ?? (await counted(context, request, members, limit));
      if (!known) columns.answers.keep(question, tab);
      tabs.push(tab);
    }
    return tabs;
  });
}

async function counted(
  context: MaskContext,
  { by, where, measure }: CoverageRequest,
  members: Member[],
  limit: number,
): Promise<Tab> {
  const mask = await maskOf(context, where);
  try {
    const tab = crossTab(context.columns, by, mask, wanted(measure), members, limit);
    return { ...tab, total: where ? sum(mask) : context.columns.images };
  } catch (error) {
    if (!(error instanceof TooManyCells)) throw error;
    throw new ShingoError(
      'BAD_USER_INPUT',
      'This cross-tab has too many cells; ask for fewer dimensions.',
      400,
      ['by'],
    );
  }
}

const sum = (mask: Uint8Array): number => {
  let total = 0;
  for (let row = 0; row < mask.length; row++) total += mask[row]!;
  return total;
};

async function inTurn<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const done: B[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

function wanted(measure: CoverageMeasure[] | null | undefined): Measures {
  const has = (one: CoverageMeasure) => (measure ?? ALL_MEASURES).includes(one);
  return {
    objects: has(CoverageMeasure.OBJECTS),
    places: has(CoverageMeasure.PLACES),
    drives: has(CoverageMeasure.DRIVES),
  };
}

function checkDimensions(by: CoverageDimension[]): void {
  if (by.length > 0 && by.length <= MAX_DIMENSIONS && new Set(by).size === by.length) return;
  throw new ShingoError(
    'BAD_USER_INPUT',
    `Coverage takes 1 to ${MAX_DIMENSIONS} different dimensions.`,
    400,
    ['by'],
  );
}
