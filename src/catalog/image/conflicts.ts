/** Sources of one image that disagree: a label that says clear where the place's weather says rain. */
import { ArgsType, Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { DataSource } from 'typeorm';
import type { PageArguments } from '../../graphql/list/connection.js';
import { Direction } from '../../graphql/list/connection.js';
import { compileWhere, Parameters, type Where } from '../../graphql/list/where.js';
import { ConditionSource } from '../vocabulary.js';
import { imageList, type Image } from './image.js';
import { imageFields } from './imageFields.js';

export enum ConditionAttribute {
  WEATHER = 'WEATHER',
  TIME_OF_DAY = 'TIME_OF_DAY',
}
registerEnumType(ConditionAttribute, { name: 'ConditionAttribute' });

@ObjectType({ description: 'What one source says.' })
export class SourceValue {
  @Field(() => ConditionSource)
  source: ConditionSource;
  @Field(() => String)
  value: string;
  @Field(() => String, { nullable: true, description: 'What it was read from, in words.' })
  evidence: string | null;
}

@ObjectType()
export class ConditionConflict {
  @Field(() => ConditionAttribute)
  attribute: ConditionAttribute;
  @Field(() => Int, {
    description:
      '1: neighbours on the scale CLEAR, PARTLY_CLOUDY, OVERCAST, RAIN|SNOW|FOG, or DAY, DAWN_DUSK, NIGHT, which are easily taken for each other; 2 and more: one of the sources is wrong.',
  })
  steps: number;
  @Field(() => [SourceValue], { description: 'Every source that says something definite.' })
  sides: SourceValue[];
}

@ObjectType()
export class ConflictCount {
  @Field(() => ConditionAttribute)
  attribute: ConditionAttribute;
  @Field(() => Int)
  steps: number;
  @Field(() => [SourceValue])
  sides: SourceValue[];
  @Field(() => Int)
  images: number;
}

@ArgsType()
export class ConflictArguments extends imageList.Arguments {
  @Field(() => ConditionAttribute, { nullable: true, description: 'Only conflicts of this.' })
  attribute?: ConditionAttribute | null;
  @Field(() => Int, { defaultValue: 1, description: '2: leave neighbours on the scale out.' })
  minSteps: number;
}

const COLUMN = {
  [ConditionAttribute.WEATHER]: 'weatherConflict',
  [ConditionAttribute.TIME_OF_DAY]: 'timeOfDayConflict',
} as const;

/** The page of images that `page` asks for: by severity unless it says otherwise. */
export function conflictPage({
  attribute,
  minSteps,
  where,
  orderBy,
  ...page
}: ConflictArguments): PageArguments {
  const least = { gte: Math.max(1, minSteps) };
  // `conflict` always: its index holds the few images that have one.
  const conflict: Where = { conflict: least, ...(attribute ? { [COLUMN[attribute]]: least } : {}) };
  return {
    ...page,
    // Beside the filter and not around it: it may be as deep as a filter may.
    where: where ? { ...where, and: [conflict, ...((where.and as Where[] | null) ?? [])] } : conflict,
    orderBy: orderBy?.length ? orderBy : [{ field: 'conflict', direction: Direction.DESC }],
  };
}

const { LABEL, PERIOD, DERIVED, SENSOR } = ConditionSource;

const definite = (source: ConditionSource, value: string | null, evidence: string | null): SourceValue[] =>
  value === null || value === 'UNDEFINED' ? [] : [{ source, value, evidence }];

export function conflictsOf(image: Image): ConditionConflict[] {
  const found: ConditionConflict[] = [];
  if (image.weatherConflict > 0) {
    const sides = [
      ...definite(LABEL, image.weatherLabel, null),
      ...definite(PERIOD, image.weatherPeriod, "the place's weather at that time; see weatherPeriod"),
    ];
    found.push({ attribute: ConditionAttribute.WEATHER, steps: image.weatherConflict, sides });
  }
  if (image.timeOfDayConflict > 0) {
    const sun = image.sunAltitude;
    const sensor = image.darkness.sensor;
    const sides = [
      ...definite(LABEL, image.timeOfDayLabel, null),
      ...definite(
        DERIVED,
        image.timeOfDayDerived,
        sun === null ? null : `sun ${Math.abs(sun).toFixed(1)}° ${sun < 0 ? 'below' : 'above'} the horizon`,
      ),
      ...definite(
        SENSOR,
        image.timeOfDaySensor,
        sensor === null ? null : `darkness ${sensor.toFixed(2)} of 1`,
      ),
    ];
    found.push({ attribute: ConditionAttribute.TIME_OF_DAY, steps: image.timeOfDayConflict, sides });
  }
  return found;
}

/** Ways to disagree: at most 6 × 6 by weather and 4 × 4 × 3 by time of day. */
export async function conflictCounts(
  db: DataSource,
  projectUuid: string,
  where: Where | null | undefined,
  condition: (name: string) => Where,
): Promise<ConflictCount[]> {
  const parameters = new Parameters();
  const project = parameters.add(projectUuid, 'uuid');
  const rows: { attribute: ConditionAttribute; steps: number; images: number; values: (string | null)[] }[] =
    await db.query(
      `/* image.conflictCounts */ WITH conflicting AS (
         SELECT * FROM image t WHERE t.project_id = ${project} AND greatest(t.weather_conflict, t.time_of_day_conflict) > 0
           AND ${compileWhere(imageFields(), where, { parameters, condition })}
       )
       SELECT 'WEATHER' AS attribute, weather_conflict AS steps, count(*)::int AS images,
         ARRAY[weather_label, weather_period, NULL, NULL] AS values
       FROM conflicting WHERE weather_conflict > 0 GROUP BY 2, 4
       UNION ALL
       SELECT 'TIME_OF_DAY', time_of_day_conflict, count(*)::int,
         ARRAY[time_of_day_label, NULL, time_of_day_derived, time_of_day_sensor]
       FROM conflicting WHERE time_of_day_conflict > 0 GROUP BY 2, 4
       ORDER BY images DESC, steps DESC, values`,
      parameters.values,
    );
  return rows.map(({ values, ...row }) => ({
    ...row,
    sides: [LABEL, PERIOD, DERIVED, SENSOR].flatMap((source, index) =>
      definite(source, values[index] ?? null, null),
    ),
  }));
}
