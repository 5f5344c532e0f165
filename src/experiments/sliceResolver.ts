import { Arg, Ctx, Field, ID, InputType, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { imageList } from '../catalog/image/image.js';
import type { Context } from '../graphql/context.js';
import type { Where } from '../graphql/list/where.js';
import { uuidOf } from '../graphql/node.js';
import { Payload, payload } from '../graphql/userError.js';
import { CellState, EvaluationCell } from './cell.js';
import { figuresWhere, MAX_SLICES, sliceEvaluation } from './evaluate/slice.js';
import { Evaluation } from './evaluation.js';

@InputType()
class SliceEvaluationInput {
  @Field(() => ID)
  evaluationId: string;
  @Field(() => [String], { description: `Of the project; at most ${MAX_SLICES}.` })
  conditionNames: string[];
}

@ObjectType()
class SliceEvaluationPayload extends Payload {
  @Field(() => Evaluation, { nullable: true })
  evaluation?: Evaluation | null;
}

@ObjectType({ description: 'Figures of the images that a filter chooses; they are not kept.' })
class EvaluationSlice {
  @Field(() => Int, { description: 'Evaluated, and chosen by the filter.' })
  images: number;
  @Field(() => Int, { description: 'Lights that count.' })
  n: number;
  @Field(() => [EvaluationCell])
  cells: EvaluationCell[];
}

@Resolver()
export class SliceResolver {
  @Mutation(() => SliceEvaluationPayload, {
    description:
      'Adds the figures of conditions that are newer than the data set version, or have changed since, from what is stored: the network does not run again. An image is in a condition if it is now; the cells name its version.',
  })
  sliceEvaluation(
    @Arg('input', () => SliceEvaluationInput) { evaluationId, conditionNames }: SliceEvaluationInput,
    @Ctx() { db, load }: Context,
  ) {
    return payload(SliceEvaluationPayload, async () => {
      const uuid = uuidOf('Evaluation', evaluationId);
      await sliceEvaluation(db, uuid, conditionNames);
      return { evaluation: await load.one(Evaluation, uuid) };
    });
  }

  @Query(() => EvaluationSlice, {
    complexity: 1000,
    description: 'Figures of any part of the split, by a filter of images as they are now.',
  })
  async evaluationSlice(
    @Arg('evaluationId', () => ID) evaluationId: string,
    @Arg('where', () => imageList.Where) where: Where,
    @Ctx() { db }: Context,
  ): Promise<EvaluationSlice> {
    const { scope, figures } = await figuresWhere(db, uuidOf('Evaluation', evaluationId), where);
    const cells = figures.cells.map((cell) =>
      Object.assign(new EvaluationCell(), cell, {
        ...{ condition: null, conditionVersion: null },
        state: cell.n < scope.protocol.minimumN ? CellState.INSUFFICIENT_DATA : CellState.OK,
      }),
    );
    return { images: figures.images, n: figures.n, cells };
  }
}
