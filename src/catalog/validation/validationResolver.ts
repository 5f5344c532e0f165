import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import type { Where } from '../../graphql/list/where.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Image, imageList } from '../image/image.js';
import { projectUuid } from '../project/projectService.js';
import { MAX_RULES } from './checkRules.js';
import { ValidationRule } from './rule.js';
import { rulesOf, setRules } from './ruleService.js';
import { validateImages } from './validate.js';
import { ValidationExampleType, ValidationReportType } from './validationTypes.js';

@InputType()
class SetValidationRulesInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => [ValidationRule], {
    nullable: true,
    description: `All rules of the project from now on, at most ${MAX_RULES}; empty: none; missing: the default ones.`,
  })
  rules?: ValidationRule[] | null;
}

@ObjectType()
class ValidationRulesPayload extends Payload {
  @Field(() => [ValidationRule], { nullable: true })
  rules?: ValidationRule[] | null;
}

@Resolver(() => ValidationExampleType)
export class ValidationResolver {
  @Query(() => [ValidationRule], {
    description: 'What the project demands; if it has declared nothing, the default rules.',
  })
  async validationRules(@Arg('projectId', () => ID) projectId: string, @Ctx() { db }: Context) {
    return rulesOf(db, await projectUuid(db, projectId));
  }

  @Query(() => ValidationReportType, {
    complexity: 1000,
    description: 'Judges the images of a project, as they are now, by its rules.',
  })
  async validate(
    @Arg('projectId', () => ID) projectId: string,
    @Arg('where', () => imageList.Where, { nullable: true }) where: Where | null,
    @Ctx() { db }: Context,
  ) {
    return validateImages(db, await projectUuid(db, projectId), where);
  }

  @Mutation(() => ValidationRulesPayload, {
    description: 'Replaces all rules. What is there already stays, whatever the rules say: see validate.',
  })
  setValidationRules(
    @Arg('input', () => SetValidationRulesInput) { projectId, rules }: SetValidationRulesInput,
    @Ctx() { db }: Context,
  ) {
    return payload(ValidationRulesPayload, async () => ({
      rules: await setRules(db, await projectUuid(db, projectId), rules ?? null),
    }));
  }

  @FieldResolver(() => Image, {
    nullable: true,
    description: 'Null: it is the set that fails, or deleted since.',
  })
  image(@Root() { imageUuid }: ValidationExampleType, @Ctx() { load }: Context) {
    return load.one(Image, imageUuid);
  }
}
