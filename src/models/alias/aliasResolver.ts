import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Model } from '../model/model.js';
import { modelVersionUuid } from '../version/reference.js';
import { ModelVersion } from '../version/version.js';
import { ModelAlias } from './alias.js';
import { AliasChange } from './aliasChange.js';
import { MAX_ALIASES, removeAlias, setAlias } from './aliasService.js';
import { modelUuid } from '../model/modelService.js';

const EXPECTED =
  'Refused with CONFLICT if another version holds the alias by then; null: if any does; left out: no matter.';

@InputType()
class SetModelAliasInput {
  @Field(() => ID, { description: 'Id, or "project name/model name@alias or number".' })
  modelVersionId: string;
  @Field(() => String, { description: 'champion, candidate, or any other: small letters, digits, - and _.' })
  alias: string;
  @Field(() => String, { nullable: true, description: 'Why; kept in the history.' })
  reason?: string | null;
  @Field(() => ID, { nullable: true, description: EXPECTED })
  expectedVersionId?: string | null;
  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Past gates that are not passed; needs a reason, and the history keeps both and the report.',
  })
  force: boolean;
}

@InputType()
class RemoveModelAliasInput {
  @Field(() => ID)
  modelId: string;
  @Field(() => String)
  alias: string;
  @Field(() => String, { nullable: true, description: 'Why; kept in the history.' })
  reason?: string | null;
  @Field(() => ID, { nullable: true, description: EXPECTED })
  expectedVersionId?: string | null;
}

@ObjectType()
class ModelAliasPayload extends Payload {
  @Field(() => ModelAlias, { nullable: true, description: 'Null: it was removed.' })
  modelAlias?: ModelAlias | null;
  @Field(() => AliasChange, { nullable: true, description: 'Null: it was there already.' })
  change?: AliasChange | null;
}

const expected = (id: string | null | undefined) => (id == null ? id : uuidOf('ModelVersion', id));

@Resolver(() => ModelAlias)
class ModelAliasResolver {
  @Mutation(() => ModelAliasPayload, {
    description: 'The champion must have passed every gate of its project, or be forced.',
  })
  setModelAlias(
    @Arg('input', () => SetModelAliasInput)
    { modelVersionId, expectedVersionId, ...wish }: SetModelAliasInput,
    @Ctx() { db, actor }: Context,
  ) {
    return payload(ModelAliasPayload, async () => {
      const versionUuid = await modelVersionUuid(db, modelVersionId, ['modelVersionId']);
      return setAlias(db, actor, { ...wish, versionUuid, expectedUuid: expected(expectedVersionId) });
    });
  }

  @Mutation(() => ModelAliasPayload)
  removeModelAlias(
    @Arg('input', () => RemoveModelAliasInput) { modelId, expectedVersionId, ...move }: RemoveModelAliasInput,
    @Ctx() { db, actor }: Context,
  ) {
    return payload(ModelAliasPayload, async () => {
      const wish = { ...move, expectedUuid: expected(expectedVersionId) };
      return {
        modelAlias: null,
        change: await removeAlias(db, actor, await modelUuid(db, modelId, ['modelId']), wish),
      };
    });
  }

  @FieldResolver(() => ModelVersion)
  version(@Root() alias: ModelAlias, @Ctx() { load }: Context) {
    return load.one(ModelVersion, alias.versionUuid);
  }

  @FieldResolver(() => Model)
  model(@Root() alias: ModelAlias, @Ctx() { load }: Context) {
    return load.one(Model, alias.modelUuid);
  }
}

const BY_NAME = `By name; at most ${MAX_ALIASES}.`;

@Resolver(() => Model)
class ModelAliasesResolver {
  @FieldResolver(() => [ModelAlias], { description: BY_NAME })
  aliases(@Root() model: Model, @Ctx() { load }: Context) {
    return load.many(ModelAlias, 'model_id', model.uuid, 'name');
  }
}

@Resolver(() => ModelVersion)
class VersionAliasesResolver {
  @FieldResolver(() => [ModelAlias], { description: BY_NAME })
  aliases(@Root() version: ModelVersion, @Ctx() { load }: Context) {
    return load.many(ModelAlias, 'version_id', version.uuid, 'name');
  }
}

export const aliasResolvers = [ModelAliasResolver, ModelAliasesResolver, VersionAliasesResolver] as const;
