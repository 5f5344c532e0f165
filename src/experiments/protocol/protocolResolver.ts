import {
  Arg,
  Args,
  Ctx,
  Field,
  Float,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { projectUuid } from '../../catalog/project/projectService.js';
import { LearningTask } from '../../catalog/vocabulary.js';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { BoxConvention, EvaluationProtocol, IgnoreRule, IntervalMethod, protocolList } from './protocol.js';
import { createProtocol, updateProtocol } from './protocolService.js';

@InputType()
abstract class ProtocolInput {
  @Field(() => [Float], { nullable: true, description: 'Rising, 0.05 to 1, at most 16, 0.5 among them.' })
  iouThresholds?: number[] | null;
  @Field(() => [Int], { nullable: true, description: 'Rising, 1 to 300, at most 5.' })
  maxDetections?: number[] | null;
  @Field(() => BoxConvention, { nullable: true })
  boxConvention?: BoxConvention | null;
  @Field(() => IgnoreRule, { nullable: true })
  ignoreRule?: IgnoreRule | null;
  @Field(() => Float, { nullable: true, description: '0 to 1.' })
  scoreThreshold?: number | null;
  @Field(() => [Float], { nullable: true, description: 'Widths in pixels, rising, at most 8.' })
  sizeBounds?: number[] | null;
  @Field(() => IntervalMethod, { nullable: true })
  intervalMethod?: IntervalMethod | null;
  @Field(() => Float, { nullable: true, description: '0.5 to 0.9999.' })
  confidence?: number | null;
  @Field(() => Int, { nullable: true, description: '100 to 10,000.' })
  resamples?: number | null;
  @Field(() => Int, { nullable: true })
  seed?: number | null;
  @Field(() => Int, { nullable: true, description: '1 to 1,000,000.' })
  minimumN?: number | null;
  @Field(() => Float, { nullable: true, description: '0 to 1.' })
  maxChangedShare?: number | null;
  @Field(() => Float, { nullable: true, description: '0 to 1.' })
  maxScoreDifference?: number | null;
}

@InputType({ description: "What is left out is as in the task's standard protocol." })
class CreateEvaluationProtocolInput extends ProtocolInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String)
  name: string;
  @Field(() => LearningTask)
  task: LearningTask;
}

@InputType({ description: 'What is left out is as in the newest version.' })
class UpdateEvaluationProtocolInput extends ProtocolInput {
  @Field(() => ID, { description: 'Of any version of the protocol.' })
  id: string;
}

@ObjectType()
class EvaluationProtocolPayload extends Payload {
  @Field(() => EvaluationProtocol, { nullable: true })
  protocol?: EvaluationProtocol | null;
}

@Resolver(() => EvaluationProtocol)
export class ProtocolResolver {
  @Query(() => EvaluationProtocol, { nullable: true })
  evaluationProtocol(@Arg('id', () => ID) id: string, @Ctx() { load }: Context) {
    return load.one(EvaluationProtocol, uuidOf('EvaluationProtocol', id));
  }

  @Query(() => protocolList.Connection)
  async evaluationProtocols(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => protocolList.Arguments) page: InstanceType<typeof protocolList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, protocolList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @Mutation(() => EvaluationProtocolPayload)
  createEvaluationProtocol(
    @Arg('input', () => CreateEvaluationProtocolInput) { projectId, ...input }: CreateEvaluationProtocolInput,
    @Ctx() { db }: Context,
  ) {
    return payload(EvaluationProtocolPayload, async () => ({
      protocol: await createProtocol(db, await projectUuid(db, projectId), input),
    }));
  }

  @Mutation(() => EvaluationProtocolPayload, {
    description:
      'Makes the next version; no evaluation that is there changes. Equal to the newest: the newest.',
  })
  updateEvaluationProtocol(
    @Arg('input', () => UpdateEvaluationProtocolInput) { id, ...change }: UpdateEvaluationProtocolInput,
    @Ctx() { db }: Context,
  ) {
    return payload(EvaluationProtocolPayload, async () => ({
      protocol: await updateProtocol(db, uuidOf('EvaluationProtocol', id), change),
    }));
  }
}
