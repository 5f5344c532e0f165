import { Field, Float, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { Split } from '../catalog/vocabulary.js';
import { id, int, text, time } from '../graphql/list/fields.js';
import { defineList } from '../graphql/list/list.js';
import type { Where } from '../graphql/list/where.js';
import { Node } from '../graphql/node.js';
import { DateTime } from '../graphql/scalars.js';
import { SplitStrategy } from './split/assign.js';

/** Images, their labels, conditions and splits, frozen: what an experiment was trained on and can be repeated with. */
@Entity('dataset_version')
@ObjectType({ implements: Node })
export class DatasetVersion extends Node {
  @Column('uuid', { name: 'dataset_id' })
  datasetUuid: string;

  @Column('int')
  @Field(() => Int, { description: 'Counts up from 1 within the data set.' })
  version: number;

  @Column('int')
  major: number;

  @Column('int')
  minor: number;

  @Column('int')
  patch: number;

  @Field(() => String, {
    description:
      'MAJOR.MINOR.PATCH by Croissant: records edited, removed, moved or added to a split; records in a new split; neither.',
  })
  get semanticVersion(): string {
    return `${this.major}.${this.minor}.${this.patch}`;
  }

  @Column('text', { name: 'data_id' })
  @Field(() => String, {
    description: 'SHA-256 of the content: the same recipe on the same data gives the same.',
  })
  dataId: string;

  @Column('jsonb', { nullable: true })
  filter: Where | null;

  @Field(() => String, {
    nullable: true,
    description: 'The ImageWhere that chose the images, as JSON; null: all.',
  })
  get where(): string | null {
    return this.filter === null ? null : JSON.stringify(this.filter);
  }

  @Column('int')
  @Field(() => Int)
  seed: number;

  @Column('text')
  @Field(() => SplitStrategy)
  strategy: SplitStrategy;

  @Column('uuid', { name: 'fixed_test_from', nullable: true })
  fixedTestUuid: string | null;

  @Column('double precision', { name: 'max_leak_share' })
  @Field(() => Float, { description: 'Share of a held-out split that another was allowed to know.' })
  maxLeakShare: number;

  @Column('double precision')
  @Field(() => Float)
  train: number;

  @Column('double precision')
  @Field(() => Float)
  validation: number;

  @Column('double precision')
  @Field(() => Float)
  test: number;

  @Column('int', { name: 'image_count' })
  @Field(() => Int)
  imageCount: number;

  @Column('int', { name: 'light_count' })
  @Field(() => Int)
  lightCount: number;

  @Column('text', { name: 'condition_names', array: true })
  conditionNames: string[];

  @Column('uuid', { name: 'condition_ids', array: true })
  conditionIds: string[];

  @Column('int', { name: 'condition_versions', array: true })
  conditionVersions: number[];

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

@ObjectType()
export class DatasetCount {
  @Field(() => String, { nullable: true, description: 'Null: every image.' })
  condition: string | null;
  @Field(() => Split)
  split: Split;
  @Field(() => Int)
  images: number;
  @Field(() => Int)
  lights: number;
}

export const datasetVersionList = defineList({
  name: 'DatasetVersion',
  table: 'dataset_version',
  entity: () => DatasetVersion,
  project: '(SELECT d.project_id FROM dataset d WHERE d.id = t.dataset_id)',
  fields: {
    datasetId: id('Dataset', 't.dataset_id'),
    dataId: text('t.data_id'),
    version: int('t.version', { sort: true }),
    imageCount: int('t.image_count', { sort: true }),
    createdAt: time('t.created_at', { sort: true }),
  },
});
