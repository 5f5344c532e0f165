/** What the mutations of images take and give. */
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../../graphql/scalars.js';
import { Payload } from '../../graphql/userError.js';
import { ValidationReportType } from '../validation/validationTypes.js';
import { Scene, TimeOfDay, WeatherName } from '../vocabulary.js';
import { Image } from './image.js';
import { MAX_ROWS } from './registerImages.js';
import { RegisterImageRow } from './registerInputs.js';

@InputType()
export class RegisterImagesInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => [RegisterImageRow], { description: `At most ${MAX_ROWS}; all are written or none.` })
  rows: RegisterImageRow[];
  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Write images that break a rule of severity ERROR (validationRules) too, and report them.',
  })
  allowInvalid: boolean;
}

@ObjectType()
export class RegisterImagesPayload extends Payload {
  @Field(() => Int, { nullable: true })
  created?: number | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Rows whose picture the project had already; they change nothing.',
  })
  existing?: number | null;
  @Field(() => ValidationReportType, {
    nullable: true,
    description: "The created images by the project's rules; null: none was created.",
  })
  validation?: ValidationReportType | null;
  @Field(() => Int, {
    nullable: true,
    description:
      'Rows whose image had come as labels only and was waiting for this picture, by its file name.',
  })
  filled?: number | null;
  imageUuids?: string[];
}

@InputType({ description: 'What is missing stays; null takes a value away.' })
export class UpdateImageInput {
  @Field(() => ID)
  id: string;
  @Field(() => String, { nullable: true })
  fileName?: string;
  @Field(() => DateTime, { nullable: true })
  recordedAt?: Date | null;
  @Field(() => ID, { nullable: true })
  placeId?: string | null;
  @Field(() => Float, { nullable: true })
  latitude?: number | null;
  @Field(() => Float, { nullable: true })
  longitude?: number | null;
  @Field(() => String, { nullable: true })
  drive?: string | null;
  @Field(() => WeatherName, { nullable: true })
  weather?: WeatherName | null;
  @Field(() => TimeOfDay, { nullable: true })
  timeOfDay?: TimeOfDay | null;
  @Field(() => Scene, { nullable: true })
  scene?: Scene | null;
}

@ObjectType()
export class ImagePayload extends Payload {
  @Field(() => Image, { nullable: true })
  image?: Image | null;
}
