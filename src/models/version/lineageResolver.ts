/** The ways from a model, an experiment or an evaluation to the versions that came of it, and on to their promotions. */
import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { Evaluation } from '../../experiments/evaluation.js';
import { Experiment } from '../../experiments/experiment.js';
import { childrenOf, FIRST } from '../../graphql/children.js';
import type { Context } from '../../graphql/context.js';
import { AliasChange } from '../alias/aliasChange.js';
import { Model } from '../model/model.js';
import { versionsOfEvaluation } from './evaluations.js';
import { ModelVersion } from './version.js';

const VERSIONS = {
  ...{ name: 'model.versions', entity: ModelVersion },
  from: 'model_version t WHERE t.model_id = wanted.id',
};

const EXPERIMENTS = {
  ...{ name: 'model.experiments', entity: Experiment },
  from: 'experiment t WHERE t.model_id = wanted.id AND t.deleted_at IS NULL',
};

/** An alias that came to the version, or left it. */
const PROMOTIONS = {
  ...{ name: 'modelVersion.promotions', entity: AliasChange, order: 't.seq DESC' },
  from: `model_version v JOIN model_alias_change t ON t.model_id = v.model_id AND v.id IN (t.to_id, t.from_id)
    WHERE v.id = wanted.id`,
};

/** The gate report that is kept with a change names the evaluations that it rests on. */
const PROMOTIONS_OF_EVALUATION = {
  ...{ name: 'evaluation.promotions', entity: AliasChange },
  from: `model_version_evaluation of JOIN model_alias_change t ON t.to_id = of.version_id
    WHERE of.evaluation_id = wanted.id AND t.gate_report @>
      jsonb_build_object('results', jsonb_build_array(jsonb_build_object('evaluationUuid', wanted.id)))`,
};

@Resolver(() => Model)
class ModelVersionsResolver {
  @FieldResolver(() => [ModelVersion], { description: 'Newest first.' })
  versions(@Root() model: Model, @Arg('first', () => Int, FIRST) first: number, @Ctx() context: Context) {
    return childrenOf(context, VERSIONS, model.uuid, first);
  }

  @FieldResolver(() => [Experiment], { description: 'Newest first.' })
  experiments(@Root() model: Model, @Arg('first', () => Int, FIRST) first: number, @Ctx() context: Context) {
    return childrenOf(context, EXPERIMENTS, model.uuid, first);
  }
}

@Resolver(() => ModelVersion)
class PromotionsResolver {
  @FieldResolver(() => [AliasChange], {
    description: 'Every alias that came to it or left it, newest first: who, why, and what the gates said.',
  })
  promotions(
    @Root() version: ModelVersion,
    @Arg('first', () => Int, FIRST) first: number,
    @Ctx() context: Context,
  ) {
    return childrenOf(context, PROMOTIONS, version.uuid, first);
  }
}

@Resolver(() => Experiment)
class ExperimentVersionsResolver {
  @FieldResolver(() => [ModelVersion], { description: 'Those that its BEST weights are; one a model.' })
  modelVersions(@Root() experiment: Experiment, @Ctx() { load }: Context) {
    return load.many(ModelVersion, 'experiment_id', experiment.uuid);
  }
}

@Resolver(() => Evaluation)
class EvaluationVersionsResolver {
  @FieldResolver(() => [ModelVersion], {
    description:
      "Those that it is of; none: of LAST or INITIAL weights, or of an experiment that is nobody's version.",
  })
  modelVersions(@Root() evaluation: Evaluation, @Ctx() { load, db }: Context) {
    return versionsOfEvaluation(load, db, evaluation.uuid);
  }

  @FieldResolver(() => [AliasChange], {
    description: 'Those whose gates it was judged by, newest first: each with its report.',
  })
  promotions(
    @Root() evaluation: Evaluation,
    @Arg('first', () => Int, FIRST) first: number,
    @Ctx() context: Context,
  ) {
    return childrenOf(context, PROMOTIONS_OF_EVALUATION, evaluation.uuid, first);
  }
}

export const lineageResolvers = [
  ModelVersionsResolver,
  PromotionsResolver,
  ExperimentVersionsResolver,
  EvaluationVersionsResolver,
] as const;
