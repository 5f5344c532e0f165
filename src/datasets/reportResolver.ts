/** Questions about data set versions: do their splits leak, and what changed between two. */
import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  Int,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import { Image } from '../catalog/image/image.js';
import { Split } from '../catalog/vocabulary.js';
import type { Context } from '../graphql/context.js';
import { ShingoError } from '../platform/error.js';
import { DatasetVersion } from './datasetVersion.js';
import { diffVersions, type DiffExample } from './diff.js';
import { LeakKind } from './leaks/find.js';
import { LEAK_DEFAULTS, leaksOf, type SplitLeak } from './leaks/report.js';
import { SplitStrategy } from './split/assign.js';
import { datasetVersionUuid } from './reference.js';

registerEnumType(SplitStrategy, {
  name: 'SplitStrategy',
  description:
    'What is never torn between splits; each has its share of every class, weather and time of day.',
  valuesConfig: {
    RANDOM: { description: 'Nothing: every image by itself.' },
    BY_TIME: {
      description:
        'The oldest images are for training, the newest for the test; drives stay whole. Time decides, so shares of classes and conditions are as they come.',
    },
  },
});
registerEnumType(LeakKind, {
  name: 'LeakKind',
  valuesConfig: {
    NEAR_DUPLICATE: { description: 'Perceptual hashes that differ in a few of their 64 bits.' },
    SAME_PLACE_AND_TIME: { description: 'Taken within so many metres and minutes.' },
  },
});

@ObjectType()
class LeakExample {
  knownUuid: string;
  heldUuid: string;

  @Field(() => String, { description: 'What the two have in common, in words.' })
  shares: string;
}

@Resolver(() => LeakExample)
export class LeakExampleResolver {
  @FieldResolver(() => Image, { nullable: true, description: 'Null: deleted since.' })
  known(@Root() { knownUuid }: LeakExample, @Ctx() { load }: Context) {
    return load.one(Image, knownUuid);
  }

  @FieldResolver(() => Image, { nullable: true, description: 'Null: deleted since.' })
  held(@Root() { heldUuid }: LeakExample, @Ctx() { load }: Context) {
    return load.one(Image, heldUuid);
  }
}

@ObjectType({ description: 'Images of one split that another one knows already.' })
class LeakCount {
  @Field(() => LeakKind)
  kind: LeakKind;
  @Field(() => Split, { description: 'The split that is learnt from.' })
  known: SplitLeak['known'];
  @Field(() => Split, { description: 'The split that is measured on.' })
  held: SplitLeak['held'];
  @Field(() => Int, { description: 'Of the held split.' })
  images: number;
  @Field(() => Float, { description: '0 to 1, of the held split.' })
  share: number;
  @Field(() => [LeakExample], { description: 'At most 5.' })
  examples: LeakExample[];
}

@ObjectType()
class LeakReport {
  @Field(() => [LeakCount], { description: 'Every kind for every pair of splits, nought too.' })
  leaks: LeakCount[];
  @Field(() => Int, { description: 'Images whose pictures have no perceptual hash yet: not compared by it.' })
  withoutHash: number;
  @Field(() => Int)
  withoutDrive: number;
  @Field(() => Int)
  withoutPlaceOrTime: number;
}

enum DiffChange {
  ADDED = 'ADDED',
  REMOVED = 'REMOVED',
  CHANGED = 'CHANGED',
  MOVED = 'MOVED',
}
registerEnumType(DiffChange, {
  name: 'DiffChange',
  valuesConfig: { MOVED: { description: 'Into another split.' } },
});

@ObjectType()
class DiffImage {
  imageUuid: string;

  @Field(() => DiffChange)
  change: DiffExample['change'];
}

@Resolver(() => DiffImage)
export class DiffImageResolver {
  @FieldResolver(() => Image, { nullable: true, description: 'Null: deleted since.' })
  image(@Root() { imageUuid }: DiffImage, @Ctx() { load }: Context) {
    return load.one(Image, imageUuid);
  }
}

@ObjectType()
class ImageDiff {
  @Field(() => Int)
  added: number;
  @Field(() => Int)
  removed: number;
  @Field(() => Int, { description: 'Other labels, weather, time of day or scene.' })
  changed: number;
  @Field(() => Int, { description: 'Into another split.' })
  moved: number;
  @Field(() => [DiffImage], { description: 'At most 20.' })
  examples: DiffImage[];
}

@ObjectType()
class AnnotationDiff {
  @Field(() => Int)
  added: number;
  @Field(() => Int)
  removed: number;
  @Field(() => Int)
  changed: number;
}

@ObjectType()
class ConditionDiff {
  @Field(() => String, { nullable: true, description: 'Null: every image.' })
  condition: string | null;
  @Field(() => Int)
  before: number;
  @Field(() => Int)
  after: number;
  @Field(() => Float, { nullable: true, description: 'Of all images of the version; null: it has none.' })
  shareBefore: number | null;
  @Field(() => Float, { nullable: true })
  shareAfter: number | null;
}

@ObjectType()
class DatasetVersionDiff {
  @Field(() => ImageDiff)
  images: ImageDiff;
  @Field(() => AnnotationDiff)
  annotations: AnnotationDiff;
  @Field(() => [ConditionDiff])
  conditions: ConditionDiff[];
}

@Resolver()
export class ReportResolver {
  @Query(() => LeakReport, { description: 'How far the splits of a version know each other.' })
  async leakReport(
    @Arg('datasetVersionId', () => ID) id: string,
    @Arg('nearDuplicateDistance', () => Int, {
      defaultValue: LEAK_DEFAULTS.nearDuplicateDistance,
      description: 'Bits of 64 that may differ; at most 7.',
    })
    nearDuplicateDistance: number,
    @Arg('metres', () => Float, { defaultValue: LEAK_DEFAULTS.metres }) metres: number,
    @Arg('minutes', () => Float, { defaultValue: LEAK_DEFAULTS.minutes }) minutes: number,
    @Ctx() context: Context,
  ) {
    const version = await versionOf(context, id, 'datasetVersionId');
    return leaksOf(context.db, version.uuid, { nearDuplicateDistance, metres, minutes });
  }

  @Query(() => DatasetVersionDiff, { description: 'From a to b. Images are told apart by their bytes.' })
  async diffDatasetVersions(
    @Arg('a', () => ID) a: string,
    @Arg('b', () => ID) b: string,
    @Ctx() context: Context,
  ) {
    const before = await versionOf(context, a, 'a');
    const after = await versionOf(context, b, 'b');
    return diffVersions(context.db, before.uuid, after.uuid);
  }
}

/** @throws ShingoError INVALID_ID, NOT_FOUND */
async function versionOf({ db, load }: Context, id: string, argument: string): Promise<DatasetVersion> {
  const version = await load.one(DatasetVersion, await datasetVersionUuid(db, id, [argument]));
  if (!version) throw new ShingoError('NOT_FOUND', 'There is no such data set version.', 404, [argument]);
  return version;
}
