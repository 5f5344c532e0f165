/** The way from an experiment or an evaluation to the versions that came of it. */
import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { Evaluation } from '../../experiments/evaluation.js';
import { Experiment } from '../../experiments/experiment.js';
import type { Context } from '../../graphql/context.js';
import { versionsOfEvaluation } from './evaluations.js';
import { ModelVersion } from './version.js';

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
}

export const lineageResolvers = [ExperimentVersionsResolver, EvaluationVersionsResolver] as const;
