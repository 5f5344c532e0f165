import { Field, Float, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

/** A file that is sent in as many pieces as it takes: an archive or a label file to be imported. */
@Entity('upload')
@ObjectType({ implements: Node, description: 'A file that is sent in as many pieces as it takes.' })
export class Upload extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text', { name: 'file_name' })
  @Field(() => String)
  fileName: string;

  @Column('text', { name: 'media_type' })
  @Field(() => String)
  mediaType: string;

  /** A bigint: the driver gives it as text. */
  @Column('bigint', { name: 'bytes' })
  bytesText: string;

  @Field(() => Float, { description: 'Of the whole file, as announced.' })
  get bytes(): number {
    return Number(this.bytesText);
  }

  @Column('text')
  @Field(() => String, { description: 'Of the whole file, as announced.' })
  sha256: string;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  @Field(() => DateTime, { description: 'When it is forgotten, with whatever has arrived.' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  @Field(() => DateTime, { nullable: true, description: 'Null: not all has arrived, or nobody said so.' })
  completedAt: Date | null;
}
