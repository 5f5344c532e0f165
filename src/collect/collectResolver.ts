import { Args, ArgsType, Ctx, Field, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { CoverageDimension, CoverageMeasure } from '../catalog/coverage/coverage.js';
import { Place } from '../catalog/place/place.js';
import { projectUuid } from '../catalog/project/projectService.js';
import { Evaluation } from '../experiments/evaluation.js';
import { experimentUuid } from '../experiments/experimentService.js';
import type { Context } from '../graphql/context.js';
import { uuidOf } from '../graphql/node.js';
import { modelVersionUuid } from '../models/version/reference.js';
import { findModelVersion } from '../models/version/versionService.js';
import { ShingoError } from '../platform/error.js';
import { collectNext } from './collectNext.js';
import {
  CollectNext,
  CollectWeights,
  CollectionSite,
  CoverageQuality,
  shownProposals,
  shownTable,
} from './collectTypes.js';
import { qualityTable, type TableQuestion } from './table.js';

@ArgsType()
class QualityArguments {
  @Field(() => ID)
  projectId: string;
  @Field(() => [CoverageDimension], {
    defaultValue: [CoverageDimension.WEATHER, CoverageDimension.TIME_OF_DAY],
    description: '1 to 4 different ones.',
  })
  by: CoverageDimension[];
  @Field(() => ID, {
    nullable: true,
    description:
      'Id, or "project name/experiment name": by its newest evaluation of the BEST weights, on a TEST split if there is one.',
  })
  experimentId?: string | null;
  @Field(() => ID, {
    nullable: true,
    description: 'Instead of experimentId: id, or "project name/model name@alias" or "…@number".',
  })
  modelVersionId?: string | null;
  @Field(() => ID, { nullable: true, description: 'Instead of either.' })
  evaluationId?: string | null;
  @Field(() => Int, {
    nullable: true,
    description:
      "Cells of fewer evaluated lights are INSUFFICIENT_DATA. Missing: the minimum of the evaluation's protocol.",
  })
  minimumN?: number | null;
}

@ArgsType()
class CollectArguments extends QualityArguments {
  @Field(() => Int, { defaultValue: 10, description: 'Cells, 0 to 100.' })
  first: number;
  @Field(() => Int, { defaultValue: 5, description: 'Places for each cell, 0 to 20.' })
  sites: number;
  @Field(() => CoverageMeasure, {
    defaultValue: CoverageMeasure.IMAGES,
    description: 'Of what a cell is rare.',
  })
  measure: CoverageMeasure;
  @Field(() => CollectWeights, { nullable: true, description: 'Missing: {bad: 3, uncertain: 1, rare: 1}.' })
  weights?: CollectWeights | null;
}

async function questionOf({ db }: Context, asked: QualityArguments): Promise<[string, TableQuestion]> {
  const { by, minimumN, experimentId = null, modelVersionId = null, evaluationId = null } = asked;
  const project = await projectUuid(db, asked.projectId);
  const given = [experimentId, modelVersionId, evaluationId].filter((id) => id !== null);
  if (given.length !== 1)
    throw new ShingoError(
      'BAD_USER_INPUT',
      'Give one of experimentId, modelVersionId and evaluationId.',
      400,
      ['experimentId'],
    );
  const version = modelVersionId && (await modelVersionUuid(db, modelVersionId, ['modelVersionId']));
  if (version && (await findModelVersion(db, version)).projectUuid !== project)
    throw new ShingoError('OTHER_PROJECT', 'This model version belongs to another project.', 409, [
      'modelVersionId',
    ]);
  return [
    project,
    {
      ...{ by, minimumN },
      experimentUuid: experimentId && (await experimentUuid(db, experimentId, ['experimentId'])),
      modelVersionUuid: version,
      evaluationUuid: evaluationId && uuidOf('Evaluation', evaluationId),
    },
  ];
}

@Resolver(() => CoverageQuality)
export class CoverageQualityResolver {
  @Query(() => CoverageQuality, {
    complexity: 100,
    description:
      'Which conditions the data lacks and in which the model fails, cell by cell, with error bars.',
  })
  async coverageQuality(
    @Args(() => QualityArguments) asked: QualityArguments,
    @Ctx() context: Context,
  ): Promise<CoverageQuality> {
    const [project, question] = await questionOf(context, asked);
    return shownTable(await qualityTable(context.db, project, question, { limits: context.config.coverage }));
  }

  @FieldResolver(() => Evaluation, {
    nullable: true,
    description: 'Null: there is none that succeeded, and every cell is NOT_EVALUATED.',
  })
  evaluation(@Root() { evaluationUuid }: CoverageQuality, @Ctx() { load }: Context) {
    return load.one(Evaluation, evaluationUuid);
  }
}

@Resolver(() => CollectNext)
export class CollectNextResolver {
  @Query(() => CollectNext, {
    complexity: 200,
    description:
      'What to collect next: every cell that could be, ranked by how bad, how uncertain and how rare it is.',
  })
  async collectNext(
    @Args(() => CollectArguments) asked: CollectArguments,
    @Ctx() context: Context,
  ): Promise<CollectNext> {
    const [project, question] = await questionOf(context, asked);
    const { first, sites, measure, weights } = asked;
    return shownProposals(
      await collectNext(
        context.db,
        project,
        { ...question, first, sites, measure, weights },
        context.config.coverage,
      ),
    );
  }

  @FieldResolver(() => Evaluation, {
    nullable: true,
    description: 'Null: there is none that succeeded, and every cell is NOT_EVALUATED.',
  })
  evaluation(@Root() { evaluationUuid }: CollectNext, @Ctx() { load }: Context) {
    return load.one(Evaluation, evaluationUuid);
  }
}

@Resolver(() => CollectionSite)
export class CollectionSiteResolver {
  @FieldResolver(() => Place)
  place(@Root() { placeUuid }: CollectionSite, @Ctx() { load }: Context) {
    return load.one(Place, placeUuid);
  }
}
