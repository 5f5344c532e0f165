import { Arg, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { LearningTask } from '../catalog/vocabulary.js';
import { Network, NetworkParameter, listNetworks, networkParameters } from './network.js';

@Resolver(() => Network)
export class NetworkResolver {
  @Query(() => [Network], {
    description: 'What can be trained, with all parameters, their ranges and defaults.',
  })
  networks(): Network[] {
    return listNetworks();
  }

  @FieldResolver(() => [NetworkParameter], { description: 'Of a training for this task.' })
  parameters(
    @Root() network: Network,
    @Arg('task', () => LearningTask, { defaultValue: LearningTask.LIGHT_STATE }) task: LearningTask,
  ): NetworkParameter[] {
    return networkParameters(network, task);
  }
}
