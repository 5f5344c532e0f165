import { Field, Float, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../../graphql/list/list.js';
import { boolean, float, id, oneOf } from '../../graphql/list/fields.js';
import { Node } from '../../graphql/node.js';
import { AnnotationSource, Category, LightArrow, LightColor, LightRole } from '../vocabulary.js';

/** An object in an image, as a box in pixels; for a traffic light also what it shows. */
@Entity('annotation')
@ObjectType({ implements: Node })
export class Annotation extends Node {
  @Column('uuid', { name: 'image_id' })
  imageUuid: string;

  @Column('text')
  @Field(() => Category)
  category: Category;

  @Column('double precision')
  @Field(() => Float, { description: 'Left edge in pixels; continuous, so x + width is the right edge.' })
  x: number;

  @Column('double precision')
  @Field(() => Float)
  y: number;

  @Column('double precision')
  @Field(() => Float)
  width: number;

  @Column('double precision')
  @Field(() => Float)
  height: number;

  @Column('text', { nullable: true })
  @Field(() => LightColor, { nullable: true })
  color: LightColor | null;

  @Column('text', { array: true })
  @Field(() => [LightArrow])
  arrows: LightArrow[];

  @Column('text', { nullable: true })
  @Field(() => LightRole, { nullable: true })
  role: LightRole | null;

  @Column('boolean', { nullable: true })
  @Field(() => Boolean, { nullable: true })
  occluded: boolean | null;

  @Column('boolean', { nullable: true })
  @Field(() => Boolean, { nullable: true })
  truncated: boolean | null;

  @Column('text')
  @Field(() => AnnotationSource)
  source: AnnotationSource;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true, description: 'Of a MODEL annotation.' })
  score: number | null;
}

export const annotationList = defineList({
  name: 'Annotation',
  table: 'annotation',
  entity: () => Annotation,
  project: '(SELECT i.project_id FROM image i WHERE i.id = t.image_id)',
  fields: {
    imageId: id('Image', 't.image_id'),
    category: oneOf('Category', Category, 't.category'),
    x: float('t.x'),
    y: float('t.y'),
    width: float('t.width', { sort: true }),
    height: float('t.height', { sort: true }),
    color: oneOf('LightColor', LightColor, 't.color', { nullable: true }),
    role: oneOf('LightRole', LightRole, 't.role', { nullable: true }),
    occluded: boolean('coalesce(t.occluded, false)'),
    source: oneOf('AnnotationSource', AnnotationSource, 't.source'),
    score: float('t.score', { nullable: true, sort: true }),
  },
});
