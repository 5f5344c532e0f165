import { Field, Int, ObjectType } from 'type-graphql';
import { LightColor } from '../../catalog/vocabulary.js';
import { WalkFields } from './enrichmentReport.js';

@ObjectType()
class ColorCount {
  @Field(() => LightColor)
  color: LightColor;
  @Field(() => Int)
  count: number;
}

@ObjectType({ description: 'What a model has written over many images.' })
export class BatchPredictionReport extends WalkFields {
  experimentUuid: string;

  @Field(() => String)
  engine: string;
  @Field(() => [ColorCount], { description: 'Lights written, by colour.' })
  lights: ColorCount[];
}
