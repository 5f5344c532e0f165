/** What can be trained, as the API lists it. */
import { Field, Float, ObjectType, registerEnumType } from 'type-graphql';
import { LearningTask } from '../catalog/vocabulary.js';
import { NETWORKS, type Algorithm } from '../training/networks/index.js';
import type { TaskName } from '../training/networks/network.js';
import { parameterList, type ParameterDescription } from '../training/parameterList.js';

export enum ParameterType {
  INT = 'INT',
  FLOAT = 'FLOAT',
  STRING = 'STRING',
  BOOLEAN = 'BOOLEAN',
  MAP = 'MAP',
}
registerEnumType(ParameterType, {
  name: 'ParameterType',
  description: 'MAP: a value for each of several names, such as conditions.',
});

@ObjectType({ description: 'A parameter of a training: what it takes, and what it is unless told.' })
export class NetworkParameter {
  @Field(() => String, { description: 'With a dot where it is one of a group, such as augmentation.flip.' })
  name: string;

  @Field(() => ParameterType)
  type: ParameterType;

  @Field(() => String)
  description: string;

  @Field(() => Float, { nullable: true })
  minimum: number | null;

  @Field(() => Float, { nullable: true })
  maximum: number | null;

  @Field(() => Boolean, { description: 'The minimum itself is refused.' })
  exclusiveMinimum: boolean;

  @Field(() => Boolean, { description: 'Null may be given, and switches it off.' })
  nullable: boolean;

  @Field(() => [String], { nullable: true, description: 'Of a STRING that is not free.' })
  values: string[] | null;

  @Field(() => Float, { nullable: true })
  defaultNumber: number | null;

  @Field(() => String, { nullable: true })
  defaultText: string | null;

  @Field(() => Boolean, { nullable: true })
  defaultBoolean: boolean | null;

  @Field(() => Boolean, { description: "The network's own; false: every training has it." })
  ofNetwork: boolean;
}

@ObjectType({ description: 'A network that startTraining can be told to train, by its name as `algorithm`.' })
export class Network {
  @Field(() => String)
  name: string;

  @Field(() => String)
  title: string;

  @Field(() => String, { description: 'Who described it, and where.' })
  reference: string;

  @Field(() => [LearningTask])
  tasks: LearningTask[];
}

/** In the order of the registry. */
export function listNetworks(): Network[] {
  return Object.values(NETWORKS).map(({ name, title, reference, tasks }) =>
    Object.assign(new Network(), {
      name,
      title,
      reference,
      tasks: tasks.map((task: TaskName) => LearningTask[task]),
    }),
  );
}

export const networkParameters = ({ name }: Network, task: LearningTask): NetworkParameter[] =>
  parameterList(name as Algorithm, task).map(toParameter);

function toParameter({ exclusive, preset, type, ...rest }: ParameterDescription): NetworkParameter {
  return Object.assign(new NetworkParameter(), rest, {
    type: ParameterType[type],
    exclusiveMinimum: exclusive,
    defaultNumber: typeof preset === 'number' ? preset : null,
    defaultText: typeof preset === 'string' ? preset : null,
    defaultBoolean: typeof preset === 'boolean' ? preset : null,
  });
}
