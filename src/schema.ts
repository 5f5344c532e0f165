/** Every entity and every resolver of the service, put together. */
import 'reflect-metadata';
import { lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { Arg, Ctx, ID, Query, Resolver, buildSchema, type NonEmptyArray, type PubSub } from 'type-graphql';
import { catalogEntities, catalogResolvers } from './catalog/index.js';
import { collectResolvers } from './collect/index.js';
import { datasetEntities, datasetResolvers } from './datasets/index.js';
import { experimentEntities, experimentResolvers } from './experiments/index.js';
import type { Context } from './graphql/context.js';
import { Node, parseGlobalId } from './graphql/node.js';
import { hideRawInputs } from './graphql/rawInput.js';
import { DateTime } from './graphql/scalars.js';
import { jobEntities, jobResolvers } from './jobs/index.js';
import { modelEntities, modelResolvers } from './models/index.js';
import { ShingoError } from './platform/error.js';
import { retentionResolvers } from './retention/index.js';
import { useResolvers } from './use/index.js';

type EntityClass = new () => Node;

export const entities: EntityClass[] = [
  ...catalogEntities,
  ...datasetEntities,
  ...modelEntities,
  ...experimentEntities,
  ...jobEntities,
];

@Resolver()
class NodeResolver {
  @Query(() => Node, { nullable: true, description: 'Whatever has this id.' })
  node(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Node | null> {
    const parsed = parseGlobalId(id);
    const entity = entities.find((candidate) => candidate.name === parsed?.type);
    if (!parsed || !entity)
      throw new ShingoError('INVALID_ID', `${JSON.stringify(id.slice(0, 100))} is no id.`);
    return load.one(entity, parsed.uuid);
  }
}

/** type-graphql insists on one; every subscription here reads a log of its own instead (design: decision 8). */
const unused = (): never => {
  throw new Error('Subscriptions read the event log; nothing is published.');
};
const noPubSub: PubSub = { publish: unused, subscribe: unused };

export async function createSchema(): Promise<GraphQLSchema> {
  const resolvers = [
    NodeResolver,
    ...catalogResolvers,
    ...datasetResolvers,
    ...modelResolvers,
    ...experimentResolvers,
    ...jobResolvers,
    ...collectResolvers,
    ...useResolvers,
    ...retentionResolvers,
  ];
  const schema = await buildSchema({
    resolvers: resolvers as unknown as NonEmptyArray<(typeof resolvers)[number]>,
    scalarsMap: [{ type: Date, scalar: DateTime }],
    validate: false,
    pubSub: noPubSub,
  });
  hideRawInputs(schema);
  return schema;
}

/** As committed in schema/schema.graphql. */
export const printedSchema = (schema: GraphQLSchema): string =>
  `${printSchema(lexicographicSortSchema(schema))}\n`;
