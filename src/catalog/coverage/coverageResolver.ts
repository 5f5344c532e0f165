import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import type { Where } from '../../graphql/list/where.js';
import { conditionFilters } from '../condition/conditionService.js';
import { imageList } from '../image/image.js';
import { projectUuid } from '../project/projectService.js';
import { Coverage, CoverageDimension, coverage } from './coverage.js';

@Resolver(() => Coverage)
export class CoverageResolver {
  @Query(() => Coverage, { complexity: 50 })
  async coverage(
    @Arg('projectId', () => ID) projectId: string,
    @Arg('by', () => [CoverageDimension]) by: CoverageDimension[],
    @Arg('where', () => imageList.Where, { nullable: true }) where: Where | null,
    @Ctx() { db }: Context,
  ): Promise<Coverage> {
    const uuid = await projectUuid(db, projectId);
    return coverage(db, uuid, by, where, await conditionFilters(db, uuid, where));
  }
}
