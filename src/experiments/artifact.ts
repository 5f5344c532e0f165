import { Field, Float, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../graphql/list/list.js';
import { id, int, text, time } from '../graphql/list/fields.js';
import { Node, toGlobalId } from '../graphql/node.js';
import { DateTime } from '../graphql/scalars.js';

/** A file that a training left behind; its bytes are a blob. */
@Entity('artifact')
@ObjectType({ implements: Node })
export class Artifact extends Node {
  @Column('uuid', { name: 'experiment_id' })
  experimentUuid: string;

  @Column('text')
  @Field(() => String, { description: 'Unique within the experiment, with forward slashes.' })
  path: string;

  @Column('text')
  @Field(() => String)
  kind: string;

  @Column('text')
  @Field(() => String)
  sha256: string;

  /** A bigint: the driver gives it as text. */
  @Column('bigint', { name: 'bytes' })
  bytesText: string;

  @Field(() => Float)
  get bytes(): number {
    return Number(this.bytesText);
  }

  @Column('text', { name: 'media_type' })
  @Field(() => String)
  mediaType: string;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Field(() => String, { description: 'Path on this server; GET it with the same authorization.' })
  get url(): string {
    const path = this.path.split('/').map(encodeURIComponent).join('/');
    return `/experiments/${toGlobalId('Experiment', this.experimentUuid)}/artifacts/${path}`;
  }
}

export const artifactList = defineList({
  name: 'Artifact',
  table: 'artifact',
  entity: () => Artifact,
  project: '(SELECT e.project_id FROM experiment e WHERE e.id = t.experiment_id)',
  fields: {
    experimentId: id('Experiment', 't.experiment_id'),
    path: text('t.path', { sort: true }),
    kind: text('t.kind', { sort: true }),
    sha256: text('t.sha256'),
    bytes: int('t.bytes', { sort: true }),
    mediaType: text('t.media_type'),
    createdAt: time('t.created_at', { sort: true }),
  },
});
