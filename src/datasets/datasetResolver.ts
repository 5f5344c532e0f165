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
import { imageList } from '../catalog/image/image.js';
import { Project } from '../catalog/project/project.js';
import { projectUuid } from '../catalog/project/projectService.js';
import { ValidationReportType } from '../catalog/validation/validationTypes.js';
import type { Context } from '../graphql/context.js';
import { list } from '../graphql/list/list.js';
import type { Where } from '../graphql/list/where.js';
import { selectOne } from '../graphql/select.js';
import { Payload, payload } from '../graphql/userError.js';
import { createNamed, updateNamed } from '../platform/database/named.js';
import { countsOfVersions } from './counts.js';
import { createDatasetVersion, MAX_LEAK_SHARE } from './createVersion.js';
import { Dataset, datasetList } from './dataset.js';
import { SplitStrategy } from './split/assign.js';
import { DatasetCount, DatasetVersion, datasetVersionList } from './datasetVersion.js';
import { validateVersion } from './validation.js';
import { datasetUuid, datasetVersionUuid } from './reference.js';

@InputType()
class CreateDatasetInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String)
  name: string;
  @Field(() => String, { nullable: true })
  description?: string | null;
}

@InputType()
class UpdateDatasetInput {
  @Field(() => ID)
  id: string;
  @Field(() => String, { nullable: true })
  name?: string;
  @Field(() => String, { nullable: true })
  description?: string | null;
}

@InputType()
class CreateDatasetVersionInput {
  @Field(() => ID)
  datasetId: string;
  @Field(() => imageList.Where, { nullable: true, description: 'Which images; missing: all of the project.' })
  where?: Where | null;
  @Field(() => Int, { defaultValue: 1, description: 'Another seed deals the images out otherwise.' })
  seed: number;
  @Field(() => Float, { defaultValue: 0.7 })
  train: number;
  @Field(() => Float, { defaultValue: 0.15 })
  validation: number;
  @Field(() => Float, { defaultValue: 0.15 })
  test: number;
  @Field(() => SplitStrategy, { defaultValue: SplitStrategy.RANDOM })
  strategy: SplitStrategy;
  @Field(() => ID, {
    nullable: true,
    description:
      'A version of the data set: all of its test images are test images of this one, whatever the filter says; the others are dealt to training and validation.',
  })
  fixedTestFrom?: string | null;
  @Field(() => Float, {
    defaultValue: MAX_LEAK_SHARE,
    description:
      'A version is refused when a split knows more than this share of another (leakReport); 1: allowed.',
  })
  maxLeakShare: number;
  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'A version is refused when it breaks a rule of severity ERROR (validationRules); true: allowed.',
  })
  allowInvalid: boolean;
}

@ObjectType()
class DatasetPayload extends Payload {
  @Field(() => Dataset, { nullable: true })
  dataset?: Dataset | null;
}

@ObjectType()
class DatasetVersionPayload extends Payload {
  @Field(() => DatasetVersion, { nullable: true })
  datasetVersion?: DatasetVersion | null;
}

@Resolver(() => Dataset)
export class DatasetResolver {
  @Query(() => Dataset, { nullable: true })
  async dataset(@Arg('id', () => ID) id: string, @Ctx() { db, load }: Context): Promise<Dataset | null> {
    return load.one(Dataset, await datasetUuid(db, id));
  }

  @Query(() => datasetList.Connection)
  async datasets(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => datasetList.Arguments) page: InstanceType<typeof datasetList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, datasetList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Project)
  project(@Root() dataset: Dataset, @Ctx() { load }: Context) {
    return load.one(Project, dataset.projectUuid);
  }

  @Mutation(() => DatasetPayload)
  createDataset(@Arg('input', () => CreateDatasetInput) input: CreateDatasetInput, @Ctx() { db }: Context) {
    return payload(DatasetPayload, async () => {
      const uuid = await createNamed(db, 'dataset', await projectUuid(db, input.projectId), input);
      return { dataset: await selectOne(db, Dataset, uuid) };
    });
  }

  @Mutation(() => DatasetPayload)
  updateDataset(@Arg('input', () => UpdateDatasetInput) input: UpdateDatasetInput, @Ctx() { db }: Context) {
    return payload(DatasetPayload, async () => {
      const uuid = await datasetUuid(db, input.id, ['id']);
      await updateNamed(db, 'dataset', uuid, input);
      return { dataset: await selectOne(db, Dataset, uuid) };
    });
  }
}

@Resolver(() => DatasetVersion)
export class DatasetVersionResolver {
  @Query(() => DatasetVersion, { nullable: true })
  async datasetVersion(
    @Arg('id', () => ID) id: string,
    @Ctx() { db, load }: Context,
  ): Promise<DatasetVersion | null> {
    return load.one(DatasetVersion, await datasetVersionUuid(db, id));
  }

  @Query(() => datasetVersionList.Connection)
  async datasetVersions(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => datasetVersionList.Arguments) page: InstanceType<typeof datasetVersionList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, datasetVersionList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Dataset)
  dataset(@Root() version: DatasetVersion, @Ctx() { load }: Context) {
    return load.one(Dataset, version.datasetUuid);
  }

  @FieldResolver(() => DatasetVersion, { nullable: true, description: 'Where its test set came from.' })
  fixedTestFrom(@Root() { fixedTestUuid }: DatasetVersion, @Ctx() { load }: Context) {
    return fixedTestUuid === null ? null : load.one(DatasetVersion, fixedTestUuid);
  }

  @FieldResolver(() => [DatasetCount], { description: 'By condition and split; conditions overlap.' })
  counts(@Root() version: DatasetVersion, @Ctx() { db, load }: Context): Promise<DatasetCount[]> {
    return load.batch('countsOfVersions', (versions) => countsOfVersions(db, versions)).load(version.uuid);
  }

  @FieldResolver(() => ValidationReportType, {
    complexity: 1000,
    description: "What is frozen in it, by the project's rules of now.",
  })
  validationReport(@Root() version: DatasetVersion, @Ctx() { db }: Context) {
    return validateVersion(db, version.uuid);
  }

  @Mutation(() => DatasetVersionPayload)
  createDatasetVersion(
    @Arg('input', () => CreateDatasetVersionInput)
    { datasetId, fixedTestFrom, ...recipe }: CreateDatasetVersionInput,
    @Ctx() { db }: Context,
  ) {
    return payload(DatasetVersionPayload, async () => ({
      datasetVersion: await createDatasetVersion(db, await datasetUuid(db, datasetId, ['datasetId']), {
        ...recipe,
        fixedTestFrom: fixedTestFrom ? await datasetVersionUuid(db, fixedTestFrom, ['fixedTestFrom']) : null,
      }),
    }));
  }
}
