import { Field, Float, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../../graphql/scalars.js';
import { Engine } from '../vocabulary.js';

@ObjectType({ description: 'Slots for trainings and evaluations of one engine and device.' })
export class HostSlots {
  @Field(() => Engine)
  engine: Engine;
  @Field(() => String, { nullable: true, description: 'Such as 0 for the first GPU; null: any.' })
  device: string | null;
  @Field(() => Int)
  count: number;
}

@ObjectType({ description: 'A worker that takes jobs, and the machine that it runs on.' })
export class Host {
  uuid: string;
  @Field(() => String, { description: 'Of the machine; as in job.host.' })
  name: string;
  @Field(() => String, { description: 'As in job.worker.' })
  worker: string;
  @Field(() => [String])
  labels: string[];
  @Field(() => [Engine], { description: 'Those that work on it.' })
  engines: Engine[];
  @Field(() => [HostSlots])
  slots: HostSlots[];
  @Field(() => Int, { description: 'Imports, exports and other tasks at a time.' })
  taskSlots: number;
  @Field(() => String, { description: 'Of the service.' })
  version: string;
  @Field(() => DateTime)
  startedAt: Date;
  @Field(() => DateTime)
  seenAt: Date;
  @Field(() => Boolean, { description: 'It was seen within the last 20 s; one that stops leaves at once.' })
  present: boolean;
}

@ObjectType({ description: 'How much of the hosts a project may take.' })
export class ProjectJobLimits {
  @Field(() => Float, {
    description:
      'Among jobs of equal priority, the project with the fewest running jobs for its share goes first.',
  })
  share: number;
  @Field(() => Int, { nullable: true, description: 'Jobs that may run at a time; null: no limit.' })
  maxRunning: number | null;
  @Field(() => Int, { nullable: true, description: 'Jobs that may wait; null: no limit.' })
  maxQueued: number | null;
}
