import { Field, ID, Int, ObjectType } from 'type-graphql';
import { JobState } from '../../jobs/vocabulary.js';
import { Metric } from '../metric.js';

@ObjectType({
  description:
    'What one of the runs measured since its last update. Updates of a run come in the order of its log; `seq` and `cursor` go on even where no point passes the filters.',
})
export class ExperimentMetricsUpdate {
  @Field(() => ID)
  experimentId: string;

  @Field(() => [Metric], { description: 'In the order of their seq; at most 500.' })
  points: Metric[];

  @Field(() => Int, { description: "How far the run's log has been read: nothing up to it comes again." })
  seq: number;

  @Field(() => String, { description: 'How far all the runs have been read: give it as `after` to go on.' })
  cursor: string;

  @Field(() => Int, {
    description:
      'Points left out since the last update of this run, of a stream with maxPointsPerSecond: of each series the first, last, least and greatest of every stretch are kept. 0: none are missing.',
  })
  dropped: number;

  @Field(() => Boolean, { description: 'The run is over, or deleted: its last update.' })
  done: boolean;

  @Field(() => JobState, { nullable: true, description: 'How it stands; null: it has been deleted.' })
  state: JobState | null;
}
