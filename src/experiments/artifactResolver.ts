import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { projectUuid } from '../catalog/project/projectService.js';
import type { Context } from '../graphql/context.js';
import { list } from '../graphql/list/list.js';
import { uuidOf } from '../graphql/node.js';
import { Artifact, artifactList } from './artifact.js';
import { ofShown } from './deletion/shown.js';
import { Experiment } from './experiment.js';

@Resolver(() => Artifact)
export class ArtifactResolver {
  @Query(() => Artifact, { nullable: true })
  artifact(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Artifact | null> {
    return load.one(Artifact, uuidOf('Artifact', id));
  }

  @Query(() => artifactList.Connection)
  async artifacts(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => artifactList.Arguments) page: InstanceType<typeof artifactList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, artifactList, page, {
      projectUuid: await projectUuid(db, projectId),
      own: [ofShown('t')],
    });
  }

  @FieldResolver(() => Experiment)
  experiment(@Root() artifact: Artifact, @Ctx() { load }: Context) {
    return load.one(Experiment, artifact.experimentUuid);
  }
}
