import {
  Args,
  ArgsType,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { Annotation } from '../../catalog/annotation/annotation.js';
import { Image } from '../../catalog/image/image.js';
import { LearningTask } from '../../catalog/vocabulary.js';
import { Experiment } from '../../experiments/experiment.js';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { experimentOfSubject } from '../subject.js';
import type * as service from './predict.js';
import { DEFAULT_MIN_SCORE, MOST_BOXES, predict } from './predict.js';

@InputType('PredictBoxInput')
@ObjectType('PredictedBox', { description: 'In pixels of the picture, continuous.' })
class PredictedBox {
  @Field(() => Float)
  x: number;
  @Field(() => Float)
  y: number;
  @Field(() => Float)
  width: number;
  @Field(() => Float)
  height: number;
}

@ObjectType()
class ColorScore {
  @Field(() => String)
  color: string;
  @Field(() => Float, {
    description: '0 to 1; those of a light add up to 1, but of a detector, which tells one colour only.',
  })
  score: number;
}

@ObjectType()
class PredictedLight {
  annotationUuid: string | null;

  @Field(() => PredictedBox, { nullable: true, description: 'Null: the whole picture.' })
  box: PredictedBox | null;
  @Field(() => String, { description: "Of the model's classes." })
  color: string;
  @Field(() => Float, { description: 'Of that colour.' })
  score: number;
  @Field(() => [ColorScore])
  scores: ColorScore[];
}

@ObjectType({ description: 'What a model says of a picture. Nothing is stored.' })
class Prediction implements Omit<service.Prediction, 'lights'> {
  experimentUuid: string;
  imageUuid: string | null;

  @Field(() => String)
  sha256: string;
  @Field(() => LearningTask)
  task: LearningTask;
  @Field(() => String)
  engine: string;
  @Field(() => [PredictedLight])
  lights: PredictedLight[];
  @Field(() => Float, { description: 'From question to answer.' })
  milliseconds: number;
  @Field(() => Float, { description: 'Of these, decoding and network.' })
  computeMilliseconds: number;
}

@ArgsType()
class PredictArguments {
  @Field(() => ID, {
    nullable: true,
    description: 'Id, or "project name/experiment name". Its BEST weights predict.',
  })
  experimentId?: string | null;
  @Field(() => ID, {
    nullable: true,
    description: 'Instead of experimentId: id, or "project name/model name@alias" or "…@number".',
  })
  modelVersionId?: string | null;
  @Field(() => ID, { nullable: true, description: 'Of the same project.' })
  imageId?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'Instead of imageId: of a picture that was sent with PUT /blobs/{sha256}.',
  })
  sha256?: string | null;
  @Field(() => ID, { nullable: true, description: 'Instead of imageId: a completed upload of a picture.' })
  uploadId?: string | null;
  @Field(() => [PredictedBox], {
    nullable: true,
    description: `At most ${MOST_BOXES}. Missing: the lights that count of the image, or the whole picture that was sent.`,
  })
  boxes?: PredictedBox[] | null;
  @Field(() => Float, {
    defaultValue: DEFAULT_MIN_SCORE,
    description: 'Of a detector: what it is less sure of is left out; 0 to 1.',
  })
  minScore: number;
}

@Resolver(() => Prediction)
export class PredictionResolver {
  @Query(() => Prediction, {
    complexity: 100,
    description: 'Asks a model about a picture, in a warm process of its own. MODEL_BUSY: ask again.',
  })
  async predict(
    @Args(() => PredictArguments)
    { imageId, uploadId, sha256, boxes, minScore, ...subject }: PredictArguments,
    @Ctx() { db, blobs, config }: Context,
  ): Promise<Prediction> {
    const question = {
      experimentUuid: await experimentOfSubject(db, subject),
      imageUuid: imageId ? uuidOf('Image', imageId) : null,
      uploadUuid: uploadId ? uuidOf('Upload', uploadId) : null,
      ...{ sha256, boxes, minScore },
    };
    const { lights, ...answer } = await predict({ db, blobs }, question, config.engine);
    return Object.assign(new Prediction(), answer, {
      lights: lights.map((light) => Object.assign(new PredictedLight(), light)),
    });
  }

  @FieldResolver(() => Experiment)
  experiment(@Root() { experimentUuid: uuid }: Prediction, @Ctx() { load }: Context) {
    return load.one(Experiment, uuid);
  }

  @FieldResolver(() => Image, { nullable: true })
  image(@Root() { imageUuid }: Prediction, @Ctx() { load }: Context) {
    return load.one(Image, imageUuid);
  }
}

@Resolver(() => PredictedLight)
export class PredictedLightResolver {
  @FieldResolver(() => Annotation, {
    nullable: true,
    description: 'Whose box it is; null: a box of the question.',
  })
  annotation(@Root() { annotationUuid }: PredictedLight, @Ctx() { load }: Context) {
    return load.one(Annotation, annotationUuid);
  }
}
