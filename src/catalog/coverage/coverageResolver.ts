import {
  Arg,
  Ctx,
  Field,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import type { Where } from '../../graphql/list/where.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { imageList } from '../image/image.js';
import { projectUuid } from '../project/projectService.js';
import { CoverageChange, followCoverage } from './changes.js';
import { Coverage, CoverageDimension, CoverageMeasure, coverage } from './coverage.js';
import {
  CoverageGap,
  CoverageTarget,
  TargetAxis,
  Want,
  coverageGaps,
  deleteTarget,
  setTarget,
  targetsOf,
} from './target.js';

@InputType({ description: 'A target of this name is replaced.' })
class SetCoverageTargetInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String)
  name: string;
  @Field(() => [TargetAxis], {
    description: 'At most 4 dimensions; the product of their keys are the cells.',
  })
  cells: TargetAxis[];
  @Field(() => imageList.Where, { nullable: true, description: 'The images that count; missing: all.' })
  where?: Where | null;
  @Field(() => [Want])
  wants: Want[];
}

@ObjectType()
class CoverageTargetPayload extends Payload {
  @Field(() => CoverageTarget, { nullable: true })
  target?: CoverageTarget | null;
}

@InputType()
class DeleteCoverageTargetInput {
  @Field(() => ID)
  id: string;
}

@ObjectType()
class DeleteCoverageTargetPayload extends Payload {}

interface ChangesArgs {
  projectId: string;
  by: CoverageDimension[];
  where?: Where | null;
  measure?: CoverageMeasure[] | null;
  after?: string | null;
}

@Resolver(() => Coverage)
export class CoverageResolver {
  @Query(() => Coverage, { complexity: 50 })
  async coverage(
    @Arg('projectId', () => ID) projectId: string,
    @Arg('by', () => [CoverageDimension], { description: '1 to 4 different ones.' }) by: CoverageDimension[],
    @Arg('where', () => imageList.Where, { nullable: true }) where: Where | null,
    @Arg('measure', () => [CoverageMeasure], { nullable: true, description: 'Missing: all of them.' })
    measure: CoverageMeasure[] | null,
    @Ctx() { db, config }: Context,
  ): Promise<Coverage> {
    const uuid = await projectUuid(db, projectId);
    return coverage(db, uuid, { by, where, measure }, config.coverage);
  }

  @Subscription(() => CoverageChange, {
    description:
      'The coverage, then what changes in it, at most every 2 s; with `after` only once something has changed since.',
    subscribe: async ({ args, context }: { args: ChangesArgs; context: Context }) => {
      const { by, where = null, measure = null, after = null } = args;
      const uuid = await projectUuid(context.db, args.projectId);
      const request = { by, where, measure, after: context.resume ?? after };
      return followCoverage(context, uuid, request, context.gone);
    },
  })
  coverageChanges(
    @Root() change: CoverageChange,
    @Arg('projectId', () => ID) _projectId: string,
    @Arg('by', () => [CoverageDimension], { description: '1 to 4 different ones.' }) _by: CoverageDimension[],
    @Arg('where', () => imageList.Where, { nullable: true }) _where: Where | null,
    @Arg('measure', () => [CoverageMeasure], { nullable: true, description: 'Missing: all of them.' })
    _measure: CoverageMeasure[] | null,
    @Arg('after', () => String, { nullable: true, description: '`cursor` of the last change.' })
    _after: string | null,
  ): CoverageChange {
    return change;
  }

  @Query(() => [CoverageTarget], { description: 'What the project wants to have; at most 500.' })
  async coverageTargets(
    @Arg('projectId', () => ID) projectId: string,
    @Ctx() { db }: Context,
  ): Promise<CoverageTarget[]> {
    return targetsOf(db, await projectUuid(db, projectId));
  }

  @Query(() => [CoverageGap], {
    complexity: 100,
    description:
      'What to collect next: the cells of the targets that fall short, the worst first; at most 10,000.',
  })
  async coverageGaps(
    @Arg('projectId', () => ID) projectId: string,
    @Ctx() { db, config }: Context,
  ): Promise<CoverageGap[]> {
    return coverageGaps(db, await projectUuid(db, projectId), config.coverage);
  }

  @Mutation(() => CoverageTargetPayload)
  setCoverageTarget(
    @Arg('input', () => SetCoverageTargetInput) { projectId, ...target }: SetCoverageTargetInput,
    @Ctx() { db }: Context,
  ) {
    return payload(CoverageTargetPayload, async () => ({
      target: await setTarget(db, await projectUuid(db, projectId), target),
    }));
  }

  @Mutation(() => DeleteCoverageTargetPayload)
  deleteCoverageTarget(
    @Arg('input', () => DeleteCoverageTargetInput) { id }: DeleteCoverageTargetInput,
    @Ctx() { db }: Context,
  ) {
    return payload(DeleteCoverageTargetPayload, async () => {
      await deleteTarget(db, uuidOf('CoverageTarget', id));
      return {};
    });
  }
}
