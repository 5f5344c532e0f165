import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import { childrenOf, FIRST } from '../../graphql/children.js';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { selectByKey, selectOne } from '../../graphql/select.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Experiment } from '../experiment.js';
import { experimentUuid } from '../experimentService.js';
import { ExperimentNote } from './note.js';
import { addNote, changeNote, MAX_TAGGED, removeNote, tagExperiments, tagsOf } from './noteService.js';

@InputType()
class TagExperimentsInput {
  @Field(() => [ID], { description: `At most ${MAX_TAGGED}.` })
  ids: string[];
  @Field(() => [String], { defaultValue: [], description: 'What is there already stays.' })
  add: string[];
  @Field(() => [String], { defaultValue: [], description: 'What is not there is passed over.' })
  remove: string[];
}

@ObjectType()
class TagExperimentsPayload extends Payload {
  @Field(() => [Experiment], { nullable: true })
  experiments?: Experiment[] | null;
}

@InputType()
class AddExperimentNoteInput {
  @Field(() => ID, { description: 'Of the experiment, or "project name/experiment name".' })
  id: string;
  @Field(() => String, { description: 'Markdown.' })
  text: string;
}

@InputType()
class UpdateExperimentNoteInput {
  @Field(() => ID, { description: 'Of the note.' })
  id: string;
  @Field(() => String)
  text: string;
}

@InputType()
class RemoveExperimentNoteInput {
  @Field(() => ID, { description: 'Of the note.' })
  id: string;
}

@ObjectType()
class ExperimentNotePayload extends Payload {
  @Field(() => ExperimentNote, { nullable: true })
  note?: ExperimentNote | null;
}

const NOTES = {
  name: 'experiment.notes',
  entity: ExperimentNote,
  from: 'experiment_note t WHERE t.experiment_id = wanted.id',
};

@Resolver(() => Experiment)
class ExperimentNotesResolver {
  @FieldResolver(() => [String], { description: 'In the order of the alphabet.' })
  tags(@Root() experiment: Experiment, @Ctx() { load, db }: Context) {
    return tagsOf(load, db, experiment.uuid);
  }

  @FieldResolver(() => [ExperimentNote], { description: 'Newest first.' })
  notes(
    @Root() experiment: Experiment,
    @Arg('first', () => Int, FIRST) first: number,
    @Ctx() context: Context,
  ) {
    return childrenOf(context, NOTES, experiment.uuid, first);
  }

  @Mutation(() => TagExperimentsPayload, { description: 'All of them or none.' })
  tagExperiments(
    @Arg('input', () => TagExperimentsInput) { ids, ...tags }: TagExperimentsInput,
    @Ctx() { db }: Context,
  ) {
    return payload(TagExperimentsPayload, async () => {
      const uuids = ids.map((id) => uuidOf('Experiment', id));
      await tagExperiments(db, uuids, tags);
      const found = await selectByKey(db, Experiment, 'id', uuids);
      return { experiments: uuids.flatMap((uuid) => found.get(uuid) ?? []) };
    });
  }

  @Mutation(() => ExperimentNotePayload)
  addExperimentNote(
    @Arg('input', () => AddExperimentNoteInput) { id, text }: AddExperimentNoteInput,
    @Ctx() { db, actor }: Context,
  ) {
    return payload(ExperimentNotePayload, async () => {
      const uuid = await addNote(db, actor, await experimentUuid(db, id, ['id']), text);
      return { note: await selectOne(db, ExperimentNote, uuid) };
    });
  }

  @Mutation(() => ExperimentNotePayload)
  updateExperimentNote(
    @Arg('input', () => UpdateExperimentNoteInput) { id, text }: UpdateExperimentNoteInput,
    @Ctx() { db }: Context,
  ) {
    return payload(ExperimentNotePayload, async () => {
      const uuid = uuidOf('ExperimentNote', id);
      await changeNote(db, uuid, text);
      return { note: await selectOne(db, ExperimentNote, uuid) };
    });
  }

  @Mutation(() => ExperimentNotePayload)
  removeExperimentNote(
    @Arg('input', () => RemoveExperimentNoteInput) { id }: RemoveExperimentNoteInput,
    @Ctx() { db }: Context,
  ) {
    return payload(ExperimentNotePayload, async () => {
      await removeNote(db, uuidOf('ExperimentNote', id));
      return { note: null };
    });
  }
}

@Resolver(() => ExperimentNote)
class NoteExperimentResolver {
  @FieldResolver(() => Experiment)
  experiment(@Root() note: ExperimentNote, @Ctx() { load }: Context) {
    return load.one(Experiment, note.experimentUuid);
  }
}

export const noteResolvers = [ExperimentNotesResolver, NoteExperimentResolver] as const;
