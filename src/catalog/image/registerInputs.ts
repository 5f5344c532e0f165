import { Field, Float, InputType } from 'type-graphql';
import { DateTime } from '../../graphql/scalars.js';
import { Category, LightArrow, LightColor, LightRole, Scene, TimeOfDay, WeatherName } from '../vocabulary.js';

@InputType({ description: 'A place of the project, by its names.' })
export class PlaceInput {
  @Field(() => String)
  country: string;
  @Field(() => String)
  prefecture: string;
  @Field(() => String)
  city: string;
  @Field(() => String, { nullable: true })
  name?: string | null;
}

@InputType()
export class BoxInput {
  @Field(() => Category)
  category: Category;
  @Field(() => Float, { description: 'Left edge in pixels; continuous, so x + width is the right edge.' })
  x: number;
  @Field(() => Float)
  y: number;
  @Field(() => Float)
  width: number;
  @Field(() => Float)
  height: number;
  @Field(() => LightColor, { nullable: true, description: 'Of a TRAFFIC_LIGHT only.' })
  color?: LightColor | null;
  @Field(() => [LightArrow], { nullable: true })
  arrows?: LightArrow[] | null;
  @Field(() => LightRole, { nullable: true })
  role?: LightRole | null;
  @Field(() => Boolean, { nullable: true })
  occluded?: boolean | null;
  @Field(() => Boolean, { nullable: true })
  truncated?: boolean | null;
  @Field(() => Boolean, {
    nullable: true,
    description: 'The box is the whole picture; x, y, width and height are not looked at.',
  })
  wholeImage?: boolean | null;
}

@InputType()
export class RegisterImageRow {
  @Field(() => String, { description: 'Of the bytes, which are there already: PUT /blobs/{sha256}.' })
  sha256: string;
  @Field(() => String)
  fileName: string;
  @Field(() => DateTime, { nullable: true })
  recordedAt?: Date | null;
  @Field(() => String, {
    nullable: true,
    description:
      "Instead of recordedAt: the place's wall clock, without an offset, as 2024-05-01T18:30:00. The time zone of the place says which instant that is, and correcting it moves the image.",
  })
  recordedLocal?: string | null;
  @Field(() => Float, { nullable: true })
  latitude?: number | null;
  @Field(() => Float, { nullable: true })
  longitude?: number | null;
  @Field(() => PlaceInput, { nullable: true })
  place?: PlaceInput | null;
  @Field(() => WeatherName, {
    nullable: true,
    description: 'As a person saw it. Missing: the period of the place tells.',
  })
  weather?: WeatherName | null;
  @Field(() => TimeOfDay, {
    nullable: true,
    description: 'As a person saw it. Missing: the sun tells, or the pixels.',
  })
  timeOfDay?: TimeOfDay | null;
  @Field(() => Scene, { nullable: true })
  scene?: Scene | null;
  @Field(() => String, { nullable: true })
  drive?: string | null;
  @Field(() => [BoxInput], {
    nullable: true,
    description: 'Missing: nobody has looked. Empty: there is nothing.',
  })
  boxes?: BoxInput[] | null;
}
