import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { projectUuid } from '../../catalog/project/projectService.js';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { GateReport, reportOf } from '../gate/report.js';
import { Model } from '../model/model.js';
import { ModelVersion } from '../version/version.js';
import { AliasChange, aliasChangeList } from './aliasChange.js';

@Resolver(() => AliasChange)
export class AliasChangeResolver {
  @Query(() => aliasChangeList.Connection, {
    description: 'Every alias that ever moved; of one model: where {modelId}, in the order of seq.',
  })
  async modelAliasHistory(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => aliasChangeList.Arguments) page: InstanceType<typeof aliasChangeList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, aliasChangeList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Model)
  model(@Root() change: AliasChange, @Ctx() { load }: Context) {
    return load.one(Model, change.modelUuid);
  }

  @FieldResolver(() => ModelVersion, { nullable: true, description: 'Null: nothing held it.' })
  from(@Root() change: AliasChange, @Ctx() { load }: Context) {
    return load.one(ModelVersion, change.fromUuid);
  }

  @FieldResolver(() => ModelVersion, { nullable: true, description: 'Null: it was removed.' })
  to(@Root() change: AliasChange, @Ctx() { load }: Context) {
    return load.one(ModelVersion, change.toUuid);
  }

  @FieldResolver(() => GateReport, {
    nullable: true,
    description: 'As it was at that moment; null: no gate stands before this alias.',
  })
  gateReport(@Root() change: AliasChange) {
    return change.storedReport && reportOf(change.storedReport);
  }
}
