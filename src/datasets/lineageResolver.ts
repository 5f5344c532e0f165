/** The ways between images and the data set versions that they are in. */
import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { Image } from '../catalog/image/image.js';
import { Split } from '../catalog/vocabulary.js';
import { childrenOf, FIRST } from '../graphql/children.js';
import type { Context } from '../graphql/context.js';
import { Dataset } from './dataset.js';
import { DatasetVersion } from './datasetVersion.js';

/** By the key of the items, each version of the project in turn: an index of its own would be one row an image and version. */
const VERSIONS_OF_IMAGE = {
  ...{ name: 'image.datasetVersions', entity: DatasetVersion },
  from: `image i JOIN dataset d ON d.project_id = i.project_id JOIN dataset_version t ON t.dataset_id = d.id
    JOIN dataset_item item ON item.version_id = t.id AND item.sha256 = i.sha256 WHERE i.id = wanted.id`,
};
const VERSIONS = {
  ...{ name: 'dataset.versions', entity: DatasetVersion },
  from: 'dataset_version t WHERE t.dataset_id = wanted.id',
};
const IMAGES = {
  ...{ name: 'datasetVersion.images', entity: Image, order: 't.sha256' },
  from: `dataset_item item JOIN dataset_version v ON v.id = item.version_id JOIN dataset d ON d.id = v.dataset_id
    JOIN image t ON t.project_id = d.project_id AND t.sha256 = item.sha256
    WHERE item.version_id = wanted.id AND ($3::text IS NULL OR item.split = $3) AND ($4::text IS NULL OR item.sha256 > $4)`,
};

@Resolver(() => Image)
class ImageVersionsResolver {
  @FieldResolver(() => [DatasetVersion], {
    description: 'Those that its picture is in, newest first; as it was then, see the version.',
  })
  datasetVersions(
    @Root() image: Image,
    @Arg('first', () => Int, FIRST) first: number,
    @Ctx() context: Context,
  ) {
    return childrenOf(context, VERSIONS_OF_IMAGE, image.uuid, first);
  }
}

@Resolver(() => Dataset)
class DatasetVersionsResolver {
  @FieldResolver(() => [DatasetVersion], { description: 'Newest first.' })
  versions(@Root() dataset: Dataset, @Arg('first', () => Int, FIRST) first: number, @Ctx() context: Context) {
    return childrenOf(context, VERSIONS, dataset.uuid, first);
  }
}

@Resolver(() => DatasetVersion)
class VersionImagesResolver {
  @FieldResolver(() => [Image], {
    description:
      'As they are now, in the order of their sha256; those that were deleted since are not among them.',
  })
  images(
    @Root() version: DatasetVersion,
    @Arg('first', () => Int, FIRST) first: number,
    @Arg('split', () => Split, { nullable: true }) split: Split | null,
    @Arg('afterSha256', () => String, {
      nullable: true,
      description: 'Of the last image of the page before.',
    })
    afterSha256: string | null,
    @Ctx() context: Context,
  ) {
    const parameters = [split ?? null, afterSha256 ?? null];
    return childrenOf(context, { ...IMAGES, parameters }, version.uuid, first);
  }
}

export const lineageResolvers = [
  ImageVersionsResolver,
  DatasetVersionsResolver,
  VersionImagesResolver,
] as const;
