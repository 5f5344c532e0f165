import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { boolean, id, text, time } from '../../graphql/list/fields.js';
import { defineList } from '../../graphql/list/list.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import type { Template } from '../graph/pipeline.js';
import { Reason, reasonOf } from '../vocabulary.js';
import { MOST_MISSED } from './dueTimes.js';

export enum ScheduleRunState {
  STARTING = 'STARTING',
  STARTED = 'STARTED',
  SKIPPED = 'SKIPPED',
  FAILED = 'FAILED',
}
registerEnumType(ScheduleRunState, {
  name: 'ScheduleRunState',
  valuesConfig: {
    STARTING: { description: 'It is due; the data set version is being made, the jobs are about to be.' },
    STARTED: { description: 'Its jobs are there; what became of them they say.' },
    SKIPPED: { description: 'There was nothing to do; the reason says why.' },
    FAILED: { description: 'Its jobs could not be made; the reason says why.' },
  },
});

/** A pipeline that is started again and again, each time on the newest data. */
@Entity('schedule')
@ObjectType({
  implements: Node,
  description: 'Starts a pipeline at its times, each time on the newest data.',
})
export class Schedule extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => String, { description: 'Unique within the project.' })
  name: string;

  @Column('text')
  @Field(() => String)
  cron: string;

  @Column('text', { name: 'time_zone' })
  @Field(() => String)
  timeZone: string;

  @Column('uuid', { name: 'dataset_id' })
  datasetUuid: string;

  @Column('boolean', { name: 'new_version' })
  @Field(() => Boolean, {
    description:
      'Each time a new version is made by the recipe of the newest one; false: the newest one is taken.',
  })
  newVersion: boolean;

  @Column('jsonb')
  template: Template;

  @Column('boolean', { name: 'skip_unchanged' })
  @Field(() => Boolean, {
    description: 'Data that its last training has seen already is not trained on again.',
  })
  skipUnchanged: boolean;

  @Column('boolean')
  @Field(() => Boolean)
  paused: boolean;

  @Column('timestamptz', { name: 'next_due', nullable: true })
  nextDue: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Null: it is paused, or its time never comes again.',
  })
  get nextRun(): Date | null {
    return this.paused ? null : this.nextDue;
  }

  @Column('text', { name: 'created_by' })
  @Field(() => String)
  createdBy: string;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

@Entity('schedule_run')
@ObjectType({ implements: Node, description: 'What came of one due time; there is one run a time at most.' })
export class ScheduleRun extends Node {
  @Column('uuid', { name: 'schedule_id' })
  scheduleUuid: string;

  @Column('timestamptz')
  @Field(() => DateTime)
  due: Date;

  @Column('timestamptz', { name: 'fired_at' })
  @Field(() => DateTime)
  firedAt: Date;

  @Column('int')
  @Field(() => Int, {
    description: `Due times before it that nobody was there for, counted to ${MOST_MISSED}: this run is for all of them.`,
  })
  missed: number;

  @Column('text')
  @Field(() => ScheduleRunState)
  state: ScheduleRunState;

  @Column('text', { name: 'reason_code', nullable: true })
  reasonCode: string | null;
  @Column('text', { name: 'reason_message', nullable: true })
  reasonMessage: string | null;

  @Field(() => Reason, { nullable: true, description: 'DATA_UNCHANGED, PREVIOUS_RUNNING, or why it failed.' })
  get reason(): Reason | null {
    return reasonOf(this.reasonCode, this.reasonMessage);
  }

  @Column('uuid', { name: 'dataset_version_id', nullable: true })
  datasetVersionUuid: string | null;

  @Column('uuid', { name: 'job_id', nullable: true })
  jobUuid: string | null;
}

export const scheduleList = defineList({
  name: 'Schedule',
  table: 'schedule',
  entity: () => Schedule,
  project: 't.project_id',
  fields: {
    name: text('t.name', { sort: true }),
    datasetId: id('Dataset', 't.dataset_id'),
    paused: boolean('t.paused'),
    nextRun: time('t.next_due', { sort: true, nullable: true }),
    createdAt: time('t.created_at', { sort: true }),
  },
});
