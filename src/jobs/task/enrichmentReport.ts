import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { EnrichmentKind } from '../../catalog/enrichment/index.js';
import type { WalkReport } from '../../catalog/enrichment/report.js';
import { Category } from '../../catalog/vocabulary.js';

registerEnumType(EnrichmentKind, {
  name: 'EnrichmentKind',
  valuesConfig: {
    DARKNESS: { description: 'Darkness, brightness and the time of day by them, from the pixels.' },
    SUN_ALTITUDE: {
      description: 'The sun above the horizon and the time of day by it, from time and position.',
    },
    PERCEPTUAL_HASH: { description: 'Of pictures that have none, for near-duplicates.' },
    OBJECTS: {
      description:
        'What a pretrained COCO detector sees where no person has looked: annotations of source MODEL with a score.',
    },
  },
});

@ObjectType()
export class SkipCount {
  @Field(() => String, {
    description:
      'NO_PICTURE, PICTURE_MISSING, PICTURE_…, NO_TIME, NO_POSITION, LABELLED, NO_LIGHT, CHANGED_MEANWHILE.',
  })
  reason: string;
  @Field(() => Int)
  count: number;
}

@ObjectType()
export class FailedImage {
  @Field(() => ID)
  imageId: string;
  @Field(() => String)
  fileName: string;
  @Field(() => String)
  reason: string;
  @Field(() => String)
  message: string;
}

@ObjectType()
export abstract class WalkFields implements Record<keyof WalkReport, unknown> {
  @Field(() => Int, { description: 'Looked at: changed + unchanged + skipped.' })
  images: number;
  @Field(() => Int)
  changed: number;
  @Field(() => Int)
  unchanged: number;
  @Field(() => [SkipCount])
  skipped: SkipCount[];
  @Field(() => [FailedImage], { description: 'The first 20 whose picture could not be read.' })
  failed: FailedImage[];
}

@ObjectType()
class FoundCount {
  @Field(() => Category)
  category: Category;
  @Field(() => Int)
  count: number;
}

@ObjectType({ description: 'What an enrichment did.' })
export class EnrichmentReport extends WalkFields {
  @Field(() => EnrichmentKind)
  kind: EnrichmentKind;
  @Field(() => [FoundCount], { description: 'Annotations that OBJECTS wrote.' })
  objects: FoundCount[];
}
