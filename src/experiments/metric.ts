import { Field, Float, Int, ObjectType } from 'type-graphql';
import { Split } from '../catalog/vocabulary.js';
import { DateTime, Real } from '../graphql/scalars.js';

/** What a metric is, wherever it is shown: in an experiment's list or as an event. */
@ObjectType()
export abstract class Measured {
  @Field(() => Int, { description: "Place in the experiment's event log." })
  seq: number;

  @Field(() => DateTime)
  time: Date;

  @Field(() => Int, {
    description: 'Epoch, counted from 1; of a logged experiment whatever its trainer counts.',
  })
  step: number;

  @Field(() => String, { description: 'loss, accuracy.' })
  name: string;

  @Field(() => Split, { nullable: true, description: 'Null: of none, as a learning rate.' })
  split: Split | null;

  @Field(() => String, { nullable: true, description: 'Null: over all classes.' })
  class: string | null;

  @Field(() => Real)
  value: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Lights it was measured on; null: its trainer did not say, and there is no interval.',
  })
  n: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Of the 95 % interval; null where there is none, as for a loss.',
  })
  lower: number | null;

  @Field(() => Float, { nullable: true })
  upper: number | null;

  @Field(() => String, { nullable: true, description: 'Of the interval, e.g. WILSON.' })
  method: string | null;
}

@ObjectType({
  description: 'A number that training measured. A condition is a column, never part of the name.',
})
export class Metric extends Measured {
  @Field(() => String, { nullable: true, description: 'Null: every light of the split.' })
  condition: string | null;
}
