import { Arg, Ctx, Field, FieldResolver, ID, InputType, Mutation, Resolver, Root } from 'type-graphql';
import { Image } from '../../catalog/image/image.js';
import { checkTimeZone } from '../../catalog/place/placeService.js';
import { projectUuid } from '../../catalog/project/projectService.js';
import { uploadedFile } from '../../catalog/upload/uploadService.js';
import type { ImportFormat as Format } from '../../datasets/import/source.js';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { payload } from '../../graphql/userError.js';
import { StartJobInput } from '../options.js';
import { startTask } from '../start/startTask.js';
import { JobKind } from '../vocabulary.js';
import { ImportDifference, ImportFormat } from './importReport.js';
import { JobPayload } from './jobPayload.js';

@InputType()
class StartImportInput extends StartJobInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => ID, {
    description:
      'A completed upload: a label file, plain or as .gz, or an archive (zip, tar, tar.gz) of labels or a manifest, with their pictures or without.',
  })
  uploadId: string;
  @Field(() => ImportFormat, { defaultValue: 'auto' })
  format: Format;
  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Values without a word in the catalog and pictures that cannot be read are left out and reported.',
  })
  lenient: boolean;
  @Field(() => String, {
    nullable: true,
    description: 'Of new places whose rows name none, such as Asia/Tokyo; missing: UTC.',
  })
  timeZone?: string | null;
}

@Resolver(() => ImportDifference)
export class ImportResolver {
  @FieldResolver(() => Image, { nullable: true, description: 'Null: deleted since.' })
  image(@Root() { imageUuid }: ImportDifference, @Ctx() { load }: Context) {
    return load.one(Image, imageUuid);
  }

  @Mutation(() => JobPayload, {
    description:
      'Takes an uploaded file into the catalog. Importing it again changes nothing; the same key and request again: the same job.',
  })
  startImport(@Arg('input', () => StartImportInput) given: StartImportInput, @Ctx() services: Context) {
    return payload(JobPayload, async () => {
      const { format, lenient, idempotencyKey } = given;
      const project = await projectUuid(services.db, given.projectId);
      const uploadUuid = uuidOf('Upload', given.uploadId);
      const options = { format, lenient, timeZone: given.timeZone ?? null };
      const job = await startTask(
        services,
        { projectUuid: project, kind: JobKind.IMPORT, idempotencyKey, asked: { uploadUuid, ...options }, job: given.job ?? null },
        async () => {
          if (options.timeZone !== null) checkTimeZone(options.timeZone);
          // The bytes stay in the blob store when the upload is forgotten; the job names them.
          const { sha256, fileName } = await uploadedFile(services.db, project, uploadUuid);
          return { sha256, fileName, ...options };
        },
      );
      return { job };
    });
  }
}
