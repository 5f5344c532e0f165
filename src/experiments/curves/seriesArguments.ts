import { ArgsType, Field } from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';

/** Which metrics. */
@ArgsType()
export class SeriesArguments {
  @Field(() => [String], { nullable: true, description: 'Missing: every one; so with the others.' })
  names?: string[] | null;
  @Field(() => [Split], { nullable: true })
  splits?: Split[] | null;
  @Field(() => [String], { nullable: true, description: '"all" stands for the metrics over every light.' })
  conditions?: string[] | null;
  @Field(() => [String], { nullable: true, description: '"all" stands for the metrics over all classes.' })
  classes?: string[] | null;
}
