import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import type { Where } from '../../graphql/list/where.js';
import { uuidOf } from '../../graphql/node.js';
import { payload } from '../../graphql/userError.js';
import { Annotation } from '../annotation/annotation.js';
import { conditionFilters, conditionsOfImages } from '../condition/conditionService.js';
import { Place } from '../place/place.js';
import { Project } from '../project/project.js';
import { projectUuid } from '../project/projectService.js';
import { AnnotationSource } from '../vocabulary.js';
import { Weather } from '../weather/weather.js';
import { periodsOfImages } from '../weather/weatherService.js';
import {
  ConditionConflict,
  ConflictArguments,
  ConflictCount,
  conflictCounts,
  conflictPage,
  conflictsOf,
} from './conflicts.js';
import { Darkness, Image, ObjectCounts, imageList } from './image.js';
import { ImagePayload, RegisterImagesInput, RegisterImagesPayload, UpdateImageInput } from './imageInputs.js';
import { updateImage } from './imageService.js';
import { missingPictures } from './pictureService.js';
import { registerImages } from './registerImages.js';
import {
  ImageConditionType,
  ResolvedScene,
  ResolvedTimeOfDay,
  ResolvedWeather,
} from './resolvedConditions.js';
import { darknessOfSun } from './sun.js';
import { thumbnailWidth } from './thumbnail/thumbnails.js';

@Resolver(() => Image)
export class ImageResolver {
  @Query(() => Image, { nullable: true })
  image(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Image | null> {
    return load.one(Image, uuidOf('Image', id));
  }

  @Query(() => imageList.Connection)
  async images(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => imageList.Arguments) page: InstanceType<typeof imageList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    const uuid = await projectUuid(db, projectId);
    return list(db, imageList, page, {
      projectUuid: uuid,
      condition: await conditionFilters(db, uuid, page.where),
    });
  }

  @Query(() => imageList.Connection, {
    description:
      'The images whose sources disagree, the farthest apart first; `conflicts` of each has both sides. UNDEFINED disagrees with nothing.',
  })
  async conditionConflicts(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => ConflictArguments) page: ConflictArguments,
    @Ctx() { db }: Context,
  ) {
    const uuid = await projectUuid(db, projectId);
    return list(db, imageList, conflictPage(page), {
      projectUuid: uuid,
      condition: await conditionFilters(db, uuid, page.where),
    });
  }

  @Query(() => [ConflictCount], { description: 'How many images disagree in which way, the most first.' })
  async conditionConflictCounts(
    @Arg('projectId', () => ID) projectId: string,
    @Arg('where', () => imageList.Where, { nullable: true }) where: Where | null,
    @Ctx() { db }: Context,
  ): Promise<ConflictCount[]> {
    const uuid = await projectUuid(db, projectId);
    return conflictCounts(db, uuid, where, await conditionFilters(db, uuid, where));
  }

  @Query(() => [String], {
    description: 'Which of these SHA-256 have not been PUT to /blobs yet. At most 1,000.',
  })
  missingBlobs(@Arg('sha256', () => [String]) sha256: string[], @Ctx() { db }: Context): Promise<string[]> {
    return missingPictures(db, sha256);
  }

  @Mutation(() => RegisterImagesPayload)
  registerImages(
    @Arg('input', () => RegisterImagesInput) input: RegisterImagesInput,
    @Ctx() { db }: Context,
  ) {
    return payload(RegisterImagesPayload, async () =>
      registerImages(db, await projectUuid(db, input.projectId), input.rows, input.allowInvalid),
    );
  }

  @Mutation(() => ImagePayload)
  updateImage(
    @Arg('input', () => UpdateImageInput) { id, placeId, ...change }: UpdateImageInput,
    @Ctx() { db }: Context,
  ) {
    const placeUuid = placeId == null ? placeId : uuidOf('Place', placeId);
    return payload(ImagePayload, async () => ({
      image: await updateImage(db, uuidOf('Image', id), {
        ...change,
        ...(placeUuid === undefined ? {} : { placeUuid }),
      }),
    }));
  }

  @FieldResolver(() => ResolvedWeather, { nullable: true, description: 'Null: no source says anything.' })
  weather(
    @Root() { weatherName, weatherSource, weatherLabel, weatherPeriod }: Image,
  ): ResolvedWeather | null {
    if (weatherLabel === null && weatherPeriod === null) return null;
    return { value: weatherName, source: weatherSource, label: weatherLabel, period: weatherPeriod };
  }

  @FieldResolver(() => ResolvedTimeOfDay, { nullable: true, description: 'Null: no source says anything.' })
  timeOfDay(@Root() image: Image): ResolvedTimeOfDay | null {
    const { timeOfDayLabel, timeOfDayDerived, timeOfDaySensor } = image;
    if (timeOfDayLabel === null && timeOfDayDerived === null && timeOfDaySensor === null) return null;
    return {
      value: image.timeOfDayName,
      source: image.timeOfDaySource,
      label: timeOfDayLabel,
      derived: timeOfDayDerived,
      sensor: timeOfDaySensor,
    };
  }

  @FieldResolver(() => ResolvedScene, { nullable: true })
  scene(@Root() { sceneName, sceneSource, sceneLabel }: Image): ResolvedScene | null {
    if (sceneName === null || sceneSource === null) return null;
    return { value: sceneName, source: sceneSource, label: sceneLabel };
  }

  @FieldResolver(() => Darkness)
  darkness(@Root() { darkness, sunAltitude }: Image): Darkness {
    return Object.assign(new Darkness(), darkness, { derived: darknessOfSun(sunAltitude) });
  }

  @FieldResolver(() => [ConditionConflict], {
    description: 'Where the sources of this image disagree, with both sides.',
  })
  conflicts(@Root() image: Image): ConditionConflict[] {
    return conflictsOf(image);
  }

  @FieldResolver(() => Weather, {
    nullable: true,
    description: 'The weather period of the place that holds this time.',
  })
  weatherPeriod(@Root() image: Image, @Ctx() { db, load }: Context) {
    if (image.weatherPeriod === null) return null;
    return load.batch('periodsOfImages', (uuids) => periodsOfImages(db, uuids)).load(image.uuid);
  }

  @FieldResolver(() => ObjectCounts, { nullable: true, description: 'Null: nobody has looked.' })
  objects(@Root() { counts }: Image): ObjectCounts | null {
    return counts?.trafficLights == null ? null : counts;
  }

  @FieldResolver(() => Project)
  project(@Root() image: Image, @Ctx() { load }: Context) {
    return load.one(Project, image.projectUuid);
  }

  @FieldResolver(() => Place, { nullable: true })
  place(@Root() image: Image, @Ctx() { load }: Context) {
    return load.one(Place, image.placeUuid);
  }

  @FieldResolver(() => [Annotation], { complexity: ({ childComplexity }) => 5 * childComplexity })
  async annotations(
    @Root() image: Image,
    @Arg('source', () => AnnotationSource, {
      nullable: true,
      description: "Missing: those that count, a person's where one has looked, else a model's.",
    })
    source: AnnotationSource | null,
    @Ctx() { load }: Context,
  ): Promise<Annotation[]> {
    const wanted = source ?? image.counts.source;
    const all = await load.many(Annotation, 'image_id', image.uuid);
    return all.filter((annotation) => annotation.source === wanted);
  }

  @FieldResolver(() => [ImageConditionType])
  conditions(@Root() image: Image, @Ctx() { db, load }: Context) {
    const { projectUuid } = image;
    return load
      .batch(`conditionsOfImages:${projectUuid}`, (uuids) => conditionsOfImages(db, projectUuid, uuids))
      .load(image.uuid);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Path of the bytes on this service. Null: they are not here yet.',
  })
  url(@Root() { sha256 }: Image): string | null {
    return sha256 && `/blobs/${sha256}`;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Path of a small version on this service, WebP or JPEG as the client accepts. Null: the bytes are not here.',
  })
  thumbUrl(
    @Root() image: Image,
    @Arg('width', () => Int, {
      defaultValue: 256,
      description: 'Pixels; rounded up to 64, 128, 256, 512 or 1024.',
    })
    width: number,
  ): string | null {
    return image.sha256 === null ? null : `/images/${image.globalId}/thumb?w=${thumbnailWidth(width)}`;
  }
}

@Resolver(() => RegisterImagesPayload)
export class RegisterImagesPayloadResolver {
  @FieldResolver(() => [Image], { nullable: true, description: 'In the order of the rows.' })
  images(@Root() { imageUuids }: RegisterImagesPayload, @Ctx() { load }: Context) {
    return imageUuids ? Promise.all(imageUuids.map((uuid) => load.one(Image, uuid))) : null;
  }
}
