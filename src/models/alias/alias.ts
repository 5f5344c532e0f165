import { Field, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

/** The gates stand before this one. */
export const CHAMPION = 'champion';

/** A name that moves from version to version, e.g. champion, candidate, or a stage. */
@Entity('model_alias')
@ObjectType({
  implements: Node,
  description: 'A name of a model that one version holds at a time: champion, candidate, a stage.',
})
export class ModelAlias extends Node {
  @Column('uuid', { name: 'model_id' })
  modelUuid: string;

  @Column('text')
  @Field(() => String)
  name: string;

  @Column('uuid', { name: 'version_id' })
  versionUuid: string;

  @Column('timestamptz')
  @Field(() => DateTime, { description: 'When this version took it.' })
  since: Date;
}
