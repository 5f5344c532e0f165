import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { DataSource } from 'typeorm';
import { compileWhere, Parameters, type Where } from '../../graphql/list/where.js';
import { toGlobalId } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import { imageFields } from '../image/imageFields.js';

export enum CoverageDimension {
  WEATHER = 'WEATHER',
  TIME_OF_DAY = 'TIME_OF_DAY',
  SCENE = 'SCENE',
  COUNTRY = 'COUNTRY',
  PREFECTURE = 'PREFECTURE',
  CITY = 'CITY',
  PLACE = 'PLACE',
}
registerEnumType(CoverageDimension, {
  name: 'CoverageDimension',
  description: 'The key of PLACE is the id of the place.',
});

const DIMENSION_SQL: Record<CoverageDimension, string> = {
  WEATHER: 't.weather',
  TIME_OF_DAY: 't.time_of_day',
  SCENE: 't.scene',
  COUNTRY: 'p.country',
  PREFECTURE: 'p.prefecture',
  CITY: 'p.city',
  PLACE: 'p.id::text',
};
const MAX_DIMENSIONS = 4;
const MAX_CELLS = 10_000;

@ObjectType({ description: 'Images that agree in every dimension asked for.' })
export class CoverageCell {
  @Field(() => [String], {
    nullable: 'items',
    description: 'One a dimension, in their order; null: missing.',
  })
  keys: (string | null)[];
  @Field(() => Int)
  images: number;
  @Field(() => Int, { description: 'Annotated traffic lights in them.' })
  lights: number;
  @Field(() => Int, { description: 'Distinct places: 10,000 frames of one junction are one place.' })
  places: number;
  @Field(() => Int, { description: 'Distinct drives.' })
  drives: number;
}

@ObjectType({ description: 'What data there is: a cross-tab of images by condition.' })
export class Coverage {
  @Field(() => [CoverageDimension])
  by: CoverageDimension[];
  @Field(() => [CoverageCell], { description: 'Cells that have images, in the order of their keys.' })
  cells: CoverageCell[];
  @Field(() => Int)
  total: number;
}

/** @throws ShingoError BAD_USER_INPUT, FILTER_INVALID */
export async function coverage(
  db: DataSource,
  projectUuid: string,
  by: CoverageDimension[],
  where: Where | null | undefined,
  condition: (name: string) => Where,
): Promise<Coverage> {
  if (by.length === 0 || by.length > MAX_DIMENSIONS || new Set(by).size !== by.length) {
    throw new ShingoError(
      'BAD_USER_INPUT',
      `Coverage takes 1 to ${MAX_DIMENSIONS} different dimensions.`,
      400,
      ['by'],
    );
  }
  const parameters = new Parameters();
  const project = parameters.add(projectUuid, 'uuid');
  const keys = by.map((dimension) => DIMENSION_SQL[dimension]);
  const rows: (Omit<CoverageCell, 'keys'> & { keys: (string | null)[] })[] = await db.query(
    `/* coverage.crossTab */ SELECT ARRAY[${keys.join(', ')}] AS keys, count(*)::int AS images,
       coalesce(sum(t.traffic_lights), 0)::int AS lights, count(DISTINCT t.place_id)::int AS places,
       count(DISTINCT t.drive)::int AS drives
     FROM image t LEFT JOIN place p ON p.id = t.place_id
     WHERE t.project_id = ${project} AND ${compileWhere(imageFields(), where, { parameters, condition })}
     GROUP BY ${keys.join(', ')} ORDER BY ${keys.join(', ')} LIMIT ${MAX_CELLS + 1}`,
    parameters.values,
  );
  if (rows.length > MAX_CELLS) {
    throw new ShingoError(
      'BAD_USER_INPUT',
      `This cross-tab has more than ${MAX_CELLS} cells; ask for fewer dimensions or filter.`,
    );
  }
  const place = by.indexOf(CoverageDimension.PLACE);
  const cells = rows.map((row) => ({
    ...row,
    keys: row.keys.map((key, index) => (index === place && key !== null ? toGlobalId('Place', key) : key)),
  }));
  return { by, cells, total: cells.reduce((sum, cell) => sum + cell.images, 0) };
}
