import { Args, ArgsType, Ctx, Field, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { Image } from '../../catalog/image/image.js';
import { Split } from '../../catalog/vocabulary.js';
import { Evaluation } from '../../experiments/evaluation.js';
import { EvaluationProtocol } from '../../experiments/protocol/protocol.js';
import type { Context } from '../../graphql/context.js';
import { DEFAULT_PAGE } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { changedLights } from './changed.js';
import { ChangedLight, ChangedLights, ComparisonSide, ModelComparison } from './comparison.js';
import { MAX_SLICES, compareModels, type SliceFilter } from './compareService.js';
import { datasetVersionUuid } from '../../datasets/reference.js';

const SUBJECT =
  'Id of a model version, an experiment (its BEST weights, or the predictions logged for it) or an evaluation; or "project/model@alias".';

@ArgsType()
class CompareArguments implements SliceFilter {
  @Field(() => ID, { description: `What b is held against. ${SUBJECT}` })
  a: string;
  @Field(() => ID, { description: SUBJECT })
  b: string;
  @Field(() => ID, { nullable: true, description: 'Missing: of the newest evaluations that pair.' })
  datasetVersionId?: string | null;
  @Field(() => Split, { nullable: true, description: 'Missing: TEST where both have it.' })
  split?: Split | null;
  @Field(() => ID, { nullable: true, description: 'Missing: of the newest evaluations that pair.' })
  protocolId?: string | null;
  @Field(() => [String], {
    nullable: true,
    description: 'Missing: accuracy of LIGHT_STATE; ap and recall of LIGHT_DETECTION.',
  })
  metrics?: string[] | null;
  @Field(() => [String], {
    nullable: 'itemsAndList',
    description: 'null in it is the whole split. Missing: the whole split and every condition.',
  })
  conditions?: (string | null)[] | null;
  @Field(() => [String], {
    nullable: 'itemsAndList',
    description: 'null in it, or missing: over all classes.',
  })
  classes?: (string | null)[] | null;
  @Field(() => [Int], { nullable: 'itemsAndList', description: 'null in it, or missing: every size.' })
  sizeBins?: (number | null)[] | null;
}

@ArgsType()
class ChangedArguments {
  @Field(() => String, { nullable: true })
  condition?: string | null;
  @Field(() => String, { nullable: true, description: 'The label.' })
  class?: string | null;
  @Field(() => ComparisonSide, { nullable: true, description: 'Who was right.' })
  right?: ComparisonSide | null;
  @Field(() => Int, { defaultValue: DEFAULT_PAGE, description: 'At most 500.' })
  first: number;
  @Field(() => String, { nullable: true })
  after?: string | null;
}

@Resolver(() => ModelComparison)
class ModelComparisonResolver {
  @Query(() => ModelComparison, {
    complexity: 2000,
    description: `Is b better than a, and where? At most ${MAX_SLICES} slices: metrics × conditions × classes × sizes.`,
  })
  async compareModels(@Args(() => CompareArguments) asked: CompareArguments, @Ctx() { db }: Context) {
    const { a, b, datasetVersionId, split = null, protocolId, ...filter } = asked;
    return compareModels(db, a, b, {
      datasetVersionUuid:
        datasetVersionId == null
          ? null
          : await datasetVersionUuid(db, datasetVersionId, ['datasetVersionId']),
      split,
      protocolUuid: protocolId == null ? null : uuidOf('EvaluationProtocol', protocolId),
      filter,
    });
  }

  @FieldResolver(() => Evaluation)
  a(@Root() { pair }: ModelComparison) {
    return pair.a;
  }

  @FieldResolver(() => Evaluation)
  b(@Root() { pair }: ModelComparison) {
    return pair.b;
  }

  @FieldResolver(() => EvaluationProtocol)
  protocol(@Root() { pair }: ModelComparison) {
    return pair.protocol;
  }

  @FieldResolver(() => ChangedLights, {
    description:
      'Lights that one got right and the other wrong; of detections right is found, in its colour. A page may be short of `first`: go on while hasNextPage.',
  })
  changed(
    @Root() { pair }: ModelComparison,
    @Args(() => ChangedArguments)
    { condition = null, class: of = null, right = null, first, after = null }: ChangedArguments,
    @Ctx() { db }: Context,
  ) {
    return changedLights(db, pair, { condition, class: of, right, first, after });
  }
}

@Resolver(() => ChangedLight)
class ChangedLightResolver {
  @FieldResolver(() => Image, { nullable: true, description: 'Null: deleted since.' })
  image(@Root() { imageUuid }: ChangedLight, @Ctx() { load }: Context) {
    return load.one(Image, imageUuid);
  }
}

export const compareResolvers = [ModelComparisonResolver, ChangedLightResolver] as const;
