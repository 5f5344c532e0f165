import { Field, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { boolean, id, int, text, time } from '../../graphql/list/fields.js';
import { defineList } from '../../graphql/list/list.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import type { StoredGateReport } from '../gate/report.js';

/** One step of the promotion history, which is only ever appended to. */
@Entity('model_alias_change')
@ObjectType({
  implements: Node,
  description: 'An alias moved: from where to where, by whom, why. Never changed.',
})
export class AliasChange extends Node {
  @Column('uuid', { name: 'model_id' })
  modelUuid: string;

  @Column('int')
  @Field(() => Int, { description: 'Counts up from 1 within the model: the order in which they happened.' })
  seq: number;

  @Column('text')
  @Field(() => String)
  alias: string;

  @Column('uuid', { name: 'from_id', nullable: true })
  fromUuid: string | null;

  @Column('uuid', { name: 'to_id', nullable: true })
  toUuid: string | null;

  @Column('text')
  @Field(() => String, { description: 'The label of the API key; "anonymous" where no key is asked for.' })
  actor: string;

  @Column('text')
  @Field(() => String, { description: 'Why; empty if nobody said.' })
  reason: string;

  @Column('boolean')
  @Field(() => Boolean, { description: 'A gate was not passed, and force took it past.' })
  forced: boolean;

  @Column('jsonb', { name: 'gate_report', nullable: true })
  storedReport: StoredGateReport | null;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const aliasChangeList = defineList({
  name: 'AliasChange',
  table: 'model_alias_change',
  entity: () => AliasChange,
  project: '(SELECT m.project_id FROM model m WHERE m.id = t.model_id)',
  fields: {
    modelId: id('Model', 't.model_id'),
    seq: int('t.seq', { sort: true }),
    alias: text('t.alias'),
    fromVersionId: id('ModelVersion', 't.from_id'),
    toVersionId: id('ModelVersion', 't.to_id'),
    actor: text('t.actor'),
    forced: boolean('t.forced'),
    createdAt: time('t.created_at', { sort: true }),
  },
});
