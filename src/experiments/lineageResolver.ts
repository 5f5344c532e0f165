/** The ways from a data set version to what was trained and judged on it, and from an experiment to what began with its weights. */
import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { DatasetVersion } from '../datasets/datasetVersion.js';
import { childrenOf, FIRST } from '../graphql/children.js';
import type { Context } from '../graphql/context.js';
import { ofShown } from './deletion/shown.js';
import { Evaluation } from './evaluation.js';
import { Experiment } from './experiment.js';

const FORKS = {
  ...{ name: 'experiment.forks', entity: Experiment },
  from: 'experiment t WHERE t.parent_id = wanted.id AND t.deleted_at IS NULL',
};
const EXPERIMENTS = {
  ...{ name: 'datasetVersion.experiments', entity: Experiment },
  from: 'experiment t WHERE t.dataset_version_id = wanted.id AND t.deleted_at IS NULL',
};
const EVALUATIONS = {
  ...{ name: 'datasetVersion.evaluations', entity: Evaluation },
  from: `evaluation t WHERE t.dataset_version_id = wanted.id AND ${ofShown('t')}`,
};

@Resolver(() => Experiment)
class ForksResolver {
  @FieldResolver(() => [Experiment], { description: 'Those that began with its weights, newest first.' })
  forks(
    @Root() experiment: Experiment,
    @Arg('first', () => Int, FIRST) first: number,
    @Ctx() context: Context,
  ) {
    return childrenOf(context, FORKS, experiment.uuid, first);
  }
}

@Resolver(() => DatasetVersion)
class DatasetVersionUseResolver {
  @FieldResolver(() => [Experiment], { description: 'Those that were trained on it, newest first.' })
  experiments(
    @Root() version: DatasetVersion,
    @Arg('first', () => Int, FIRST) first: number,
    @Ctx() context: Context,
  ) {
    return childrenOf(context, EXPERIMENTS, version.uuid, first);
  }

  @FieldResolver(() => [Evaluation], { description: 'Newest first.' })
  evaluations(
    @Root() version: DatasetVersion,
    @Arg('first', () => Int, FIRST) first: number,
    @Ctx() context: Context,
  ) {
    return childrenOf(context, EVALUATIONS, version.uuid, first);
  }
}

export const lineageResolvers = [ForksResolver, DatasetVersionUseResolver] as const;
