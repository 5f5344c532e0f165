import { Field, Int, ObjectType } from 'type-graphql';
import { LightColor } from '../../catalog/vocabulary.js';
import { FailedImage, SkipCount } from './enrichmentReport.js';

@ObjectType()
class ColorCount {
  @Field(() => LightColor)
  color: LightColor;
  @Field(() => Int)
  count: number;
}

@ObjectType({ description: 'What a model has written over many images.' })
export class BatchPredictionReport {
  experimentUuid: string;

  @Field(() => String)
  engine: string;
  @Field(() => Int, { description: 'Looked at: changed + unchanged + skipped.' })
  images: number;
  @Field(() => Int)
  changed: number;
  @Field(() => Int)
  unchanged: number;
  @Field(() => [SkipCount])
  skipped: SkipCount[];
  @Field(() => [FailedImage], { description: 'The first 20 whose picture could not be read.' })
  failed: FailedImage[];
  @Field(() => [ColorCount], { description: 'Lights written, by colour.' })
  lights: ColorCount[];
}
