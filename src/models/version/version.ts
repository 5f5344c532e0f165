import { Field, Float, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { experimentList } from '../../experiments/experiment.js';
import { id, int, its, oneOf, some, text, time } from '../../graphql/list/fields.js';
import { defineList } from '../../graphql/list/list.js';
import { Node, toGlobalId } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

@ObjectType({ description: 'The file of a model that was made elsewhere.' })
export class ModelArtifact {
  @Field(() => String)
  name: string;
  @Field(() => String)
  sha256: string;
  @Field(() => Float)
  bytes: number;
  @Field(() => String)
  mediaType: string;
  @Field(() => String, { description: 'Path on this server; GET it with the same authorization.' })
  url: string;
}

/** What can be evaluated, promoted and used; it never changes, so that whatever is said of it stays true. */
@Entity('model_version')
@ObjectType({ implements: Node, description: 'A model as it can be used. It never changes.' })
export class ModelVersion extends Node {
  @Column('uuid', { name: 'model_id' })
  modelUuid: string;

  @Column('int')
  @Field(() => Int, { description: 'Counts up from 1 within the model.' })
  number: number;

  @Column('text')
  @Field(() => LearningTask)
  task: LearningTask;

  @Column('text', { array: true })
  @Field(() => [String], { description: 'What it tells apart, in the order of its output.' })
  classes: string[];

  @Column('uuid', { name: 'experiment_id', nullable: true })
  experimentUuid: string | null;

  /** Of what was made elsewhere, where somebody has said it; an experiment knows its own. */
  @Column('uuid', { name: 'trained_on_id', nullable: true })
  trainedOnUuid: string | null;

  @Column('text')
  @Field(() => String)
  description: string;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Of what was made elsewhere, e.g. "PyTorch 2.9".' })
  framework: string | null;

  @Column('text', { name: 'code_version', nullable: true })
  @Field(() => String, { nullable: true, description: 'Of what was made elsewhere, e.g. a git commit.' })
  codeVersion: string | null;

  @Column('text', { name: 'artifact_sha256', nullable: true })
  artifactSha256: string | null;

  @Column('text', { name: 'artifact_name', nullable: true })
  artifactName: string | null;

  @Column('text', { name: 'artifact_media_type', nullable: true })
  artifactMediaType: string | null;

  /** A bigint: the driver gives it as text. */
  @Column('bigint', { name: 'artifact_bytes', nullable: true })
  artifactBytesText: string | null;

  @Column('text', { name: 'created_by' })
  @Field(() => String, { description: 'The label of the API key; "anonymous" where no key is asked for.' })
  createdBy: string;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Field(() => ModelArtifact, {
    nullable: true,
    description: "Null: the weights are its experiment's artifacts, or were never sent.",
  })
  get artifact(): ModelArtifact | null {
    if (this.artifactSha256 === null) return null;
    return Object.assign(new ModelArtifact(), {
      name: this.artifactName,
      sha256: this.artifactSha256,
      bytes: Number(this.artifactBytesText),
      mediaType: this.artifactMediaType,
      url: `/model-versions/${toGlobalId('ModelVersion', this.uuid)}/artifact`,
    });
  }
}

/** Here, not in alias/: that one knows versions already. */
const aliasFilter = { name: 'ModelAlias', table: 'model_alias', fields: { name: text('t.name') } };

export const modelVersionList = defineList({
  name: 'ModelVersion',
  table: 'model_version',
  entity: () => ModelVersion,
  project: '(SELECT m.project_id FROM model m WHERE m.id = t.model_id)',
  fields: {
    id: id('ModelVersion', 't.id'),
    modelId: id('Model', 't.model_id'),
    experimentId: id('Experiment', 't.experiment_id'),
    datasetVersionId: id(
      'DatasetVersion',
      'coalesce(t.trained_on_id, (SELECT e.dataset_version_id FROM experiment e WHERE e.id = t.experiment_id))',
    ),
    number: int('t.number', { sort: true }),
    task: oneOf('LearningTask', LearningTask, 't.task'),
    description: text('t.description'),
    framework: text('t.framework', { nullable: true }),
    codeVersion: text('t.code_version', { nullable: true }),
    createdBy: text('t.created_by'),
    experiment: its(() => experimentList, 's.id = t.experiment_id'),
    aliases: some(() => aliasFilter, 's.version_id = t.id'),
    createdAt: time('t.created_at', { sort: true }),
  },
});
