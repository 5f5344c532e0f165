import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Resolver,
  Root,
  registerEnumType,
} from 'type-graphql';
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import { FORMATS, type Format } from '../../datasets/formats/write/archive.js';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { payload } from '../../graphql/userError.js';
import { startTask } from '../start/startTask.js';
import { findVersion } from '../start/subjects.js';
import { JobKind } from '../vocabulary.js';
import { JobPayload } from './jobPayload.js';

export const ExportFormat = Object.fromEntries(FORMATS.map((format) => [format, format]));
registerEnumType(ExportFormat, {
  name: 'ExportFormat',
  valuesConfig: {
    SCALABEL: { description: 'Scalabel and BDD100K (det_20): one JSON file a split.' },
    COCO: { description: 'One JSON file a split; colour and arrows in the category and in `attributes`.' },
    YOLO: { description: 'A folder of images and labels a split, with data.yaml.' },
    PARQUET: { description: 'Images and annotations as tables, for pandas, Polars and DuckDB.' },
    CROISSANT: { description: 'Croissant 1.1 metadata (JSON-LD) over Parquet tables.' },
  },
});

@InputType()
class StartExportInput {
  @Field(() => ID)
  datasetVersionId: string;
  @Field(() => ExportFormat)
  format: Format;
  @Field(() => Boolean, {
    defaultValue: false,
    description: "The pictures' bytes too, not only their names.",
  })
  pictures: boolean;
  @Field(() => String, {
    description: 'Made by the client, kept for its retries; unique within the project.',
  })
  idempotencyKey: string;
}

@ObjectType()
class FormatLoss {
  @Field(() => String, { description: 'The field of an image or a box.' })
  what: string;
  @Field(() => String)
  why: string;
  @Field(() => Int, { description: 'Images that had something there.' })
  images: number;
  @Field(() => Int, { description: 'Boxes that had something there.' })
  boxes: number;
}

@ObjectType({ description: 'What an export wrote; its file is among the `files` of the job.' })
export class ExportReport {
  datasetVersionUuid: string;

  @Field(() => ExportFormat)
  format: Format;
  @Field(() => String, { description: 'Of the version; in the file too.' })
  dataId: string;
  @Field(() => String)
  version: string;
  @Field(() => Int)
  images: number;
  @Field(() => Int)
  boxes: number;
  @Field(() => Int, { description: 'Pictures whose bytes are in the file.' })
  pictures: number;
  @Field(() => Int, { description: 'Images whose bytes were wanted and are not in the catalog.' })
  picturesMissing: number;
  @Field(() => [FormatLoss], {
    description: 'All that the format cannot carry, and how often that was there.',
  })
  losses: FormatLoss[];
}

@Resolver(() => ExportReport)
export class ExportResolver {
  @FieldResolver(() => DatasetVersion, { nullable: true })
  datasetVersion(@Root() { datasetVersionUuid }: ExportReport, @Ctx() { load }: Context) {
    return load.one(DatasetVersion, datasetVersionUuid);
  }

  @Mutation(() => JobPayload, {
    description: 'Writes a data set version as one zip file. The same key and request again: the same job.',
  })
  startExport(
    @Arg('input', () => StartExportInput)
    { datasetVersionId, format, pictures, idempotencyKey }: StartExportInput,
    @Ctx() services: Context,
  ) {
    return payload(JobPayload, async () => {
      const versionUuid = uuidOf('DatasetVersion', datasetVersionId);
      const { projectUuid } = await findVersion(services.db, versionUuid);
      const input = { versionUuid, format, pictures };
      return { job: await startTask(services, { projectUuid, kind: JobKind.EXPORT, input, idempotencyKey }) };
    });
  }
}
