import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { projectUuid } from '../../catalog/project/projectService.js';
import { Split } from '../../catalog/vocabulary.js';
import { Dataset } from '../../datasets/dataset.js';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Model } from '../model/model.js';
import { GateBound, GateRule, gateRuleList } from './rule.js';
import { MAX_GATE_RULES, createGateRule, deleteGateRule, updateGateRule } from './ruleService.js';
import { datasetUuid } from '../../datasets/reference.js';
import { modelUuid } from '../model/modelService.js';

@InputType()
abstract class GateRuleInput {
  @Field(() => ID, { nullable: true, description: 'Null: every model of the project.' })
  modelId?: string | null;
  @Field(() => String, { nullable: true, description: 'Null: over all classes.' })
  class?: string | null;
  @Field(() => String, { nullable: true, description: 'Name of a condition; null: the whole split.' })
  condition?: string | null;
  @Field(() => Boolean, {
    nullable: true,
    description: 'The whole split and every condition that the evaluation has.',
  })
  everyCondition?: boolean;
  @Field(() => Int, {
    nullable: true,
    description: 'From 0, by the width bounds of the protocol; null: every size.',
  })
  sizeBin?: number | null;
}

@InputType()
class CreateGateRuleInput extends GateRuleInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String, { description: 'Unique within the project.' })
  name: string;
  @Field(() => ID, { description: 'The newest finished evaluation on any version of it counts.' })
  datasetId: string;
  @Field(() => Split, { defaultValue: Split.TEST })
  split: Split;
  @Field(() => String, { description: 'Name of the evaluation protocol.' })
  protocol: string;
  @Field(() => String)
  metric: string;
  @Field(() => GateBound)
  bound: GateBound;
  @Field(() => Float, { description: 'As a share: 0.95, or 0.01 for one point.' })
  threshold: number;
}

@InputType({ description: 'What is left out stays as it is; null clears.' })
class UpdateGateRuleInput extends GateRuleInput {
  @Field(() => ID)
  id: string;
  @Field(() => String, { nullable: true })
  name?: string;
  @Field(() => ID, { nullable: true })
  datasetId?: string;
  @Field(() => Split, { nullable: true })
  split?: Split;
  @Field(() => String, { nullable: true })
  protocol?: string;
  @Field(() => String, { nullable: true })
  metric?: string;
  @Field(() => GateBound, { nullable: true })
  bound?: GateBound;
  @Field(() => Float, { nullable: true })
  threshold?: number;
}

@InputType()
class DeleteGateRuleInput {
  @Field(() => ID)
  id: string;
}

@ObjectType()
class GateRulePayload extends Payload {
  @Field(() => GateRule, { nullable: true })
  gateRule?: GateRule | null;
}
@ObjectType()
class DeleteGateRulePayload extends Payload {}

@Resolver(() => GateRule)
export class GateRuleResolver {
  @Query(() => gateRuleList.Connection, { description: `At most ${MAX_GATE_RULES} a project.` })
  async gateRules(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => gateRuleList.Arguments) page: InstanceType<typeof gateRuleList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, gateRuleList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @Mutation(() => GateRulePayload)
  createGateRule(
    @Arg('input', () => CreateGateRuleInput) { projectId, modelId, datasetId, ...rest }: CreateGateRuleInput,
    @Ctx() { db }: Context,
  ) {
    return payload(GateRulePayload, async () => ({
      gateRule: await createGateRule(db, await projectUuid(db, projectId), {
        ...rest,
        modelUuid: modelId == null ? null : await modelUuid(db, modelId, ['modelId']),
        datasetUuid: await datasetUuid(db, datasetId, ['datasetId']),
        class: rest.class ?? null,
        condition: rest.condition ?? null,
        everyCondition: rest.everyCondition ?? false,
        sizeBin: rest.sizeBin ?? null,
      }),
    }));
  }

  @Mutation(() => GateRulePayload)
  updateGateRule(
    @Arg('input', () => UpdateGateRuleInput) { id, modelId, datasetId, ...rest }: UpdateGateRuleInput,
    @Ctx() { db }: Context,
  ) {
    return payload(GateRulePayload, async () => ({
      gateRule: await updateGateRule(db, uuidOf('GateRule', id), {
        ...rest,
        ...(modelId !== undefined && {
          modelUuid: modelId === null ? null : await modelUuid(db, modelId, ['modelId']),
        }),
        ...(datasetId != null && { datasetUuid: await datasetUuid(db, datasetId, ['datasetId']) }),
      }),
    }));
  }

  @Mutation(() => DeleteGateRulePayload)
  deleteGateRule(
    @Arg('input', () => DeleteGateRuleInput) { id }: DeleteGateRuleInput,
    @Ctx() { db }: Context,
  ) {
    return payload(DeleteGateRulePayload, async () => {
      await deleteGateRule(db, uuidOf('GateRule', id));
      return {};
    });
  }

  @FieldResolver(() => Model, { nullable: true, description: 'Null: every model of the project.' })
  model(@Root() rule: GateRule, @Ctx() { load }: Context) {
    return load.one(Model, rule.modelUuid);
  }

  @FieldResolver(() => Dataset, { nullable: true, description: 'Null: deleted since.' })
  dataset(@Root() rule: GateRule, @Ctx() { load }: Context) {
    return load.one(Dataset, rule.datasetUuid);
  }
}
