import { Field, ObjectType } from 'type-graphql';
import { Payload } from '../../graphql/userError.js';
import { Job } from '../job.js';

@ObjectType()
export class JobPayload extends Payload {
  @Field(() => Job, { nullable: true })
  job?: Job | null;
}
