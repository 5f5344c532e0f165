import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { toGlobalId, uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { conditionFilters } from '../condition/conditionService.js';
import { projectUuid } from '../project/projectService.js';
import { BoxInput } from '../image/registerInputs.js';
import { Category, LightArrow, LightColor, LightRole } from '../vocabulary.js';
import { Annotation, annotationList } from './annotation.js';
import { createAnnotation, deleteAnnotation, updateAnnotation } from './annotationService.js';

@InputType()
class CreateAnnotationInput {
  @Field(() => ID)
  imageId: string;
  @Field(() => BoxInput)
  box: BoxInput;
}

@InputType({ description: 'What is missing stays; null takes a value away.' })
class UpdateAnnotationInput {
  @Field(() => ID)
  id: string;
  @Field(() => Category, { nullable: true })
  category?: Category;
  @Field(() => Float, { nullable: true })
  x?: number;
  @Field(() => Float, { nullable: true })
  y?: number;
  @Field(() => Float, { nullable: true })
  width?: number;
  @Field(() => Float, { nullable: true })
  height?: number;
  @Field(() => LightColor, { nullable: true })
  color?: LightColor | null;
  @Field(() => [LightArrow], { nullable: true })
  arrows?: LightArrow[];
  @Field(() => LightRole, { nullable: true })
  role?: LightRole | null;
  @Field(() => Boolean, { nullable: true })
  occluded?: boolean | null;
  @Field(() => Boolean, { nullable: true })
  truncated?: boolean | null;
}

@InputType()
class DeleteAnnotationInput {
  @Field(() => ID)
  id: string;
}

@ObjectType()
class AnnotationPayload extends Payload {
  @Field(() => Annotation, { nullable: true })
  annotation?: Annotation | null;
}

@Resolver(() => Annotation)
export class AnnotationResolver {
  @Query(() => Annotation, { nullable: true })
  annotation(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Annotation | null> {
    return load.one(Annotation, uuidOf('Annotation', id));
  }

  @Query(() => annotationList.Connection)
  async annotations(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => annotationList.Arguments) page: InstanceType<typeof annotationList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    const uuid = await projectUuid(db, projectId);
    return list(db, annotationList, page, {
      projectUuid: uuid,
      condition: await conditionFilters(db, uuid, page.where),
    });
  }

  @FieldResolver(() => ID)
  imageId(@Root() annotation: Annotation): string {
    return toGlobalId('Image', annotation.imageUuid);
  }

  @Mutation(() => AnnotationPayload)
  createAnnotation(
    @Arg('input', () => CreateAnnotationInput) input: CreateAnnotationInput,
    @Ctx() { db }: Context,
  ) {
    return payload(AnnotationPayload, async () => ({
      annotation: await createAnnotation(db, uuidOf('Image', input.imageId), input.box),
    }));
  }

  @Mutation(() => AnnotationPayload)
  updateAnnotation(
    @Arg('input', () => UpdateAnnotationInput) { id, ...change }: UpdateAnnotationInput,
    @Ctx() { db }: Context,
  ) {
    return payload(AnnotationPayload, async () => ({
      annotation: await updateAnnotation(db, uuidOf('Annotation', id), change),
    }));
  }

  @Mutation(() => AnnotationPayload)
  deleteAnnotation(
    @Arg('input', () => DeleteAnnotationInput) input: DeleteAnnotationInput,
    @Ctx() { db }: Context,
  ) {
    return payload(AnnotationPayload, async () => {
      await deleteAnnotation(db, uuidOf('Annotation', input.id));
      return { annotation: null };
    });
  }
}
