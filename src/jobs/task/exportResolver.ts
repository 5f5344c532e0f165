import { Arg, Ctx, Field, FieldResolver, ID, InputType, Mutation, Resolver, Root } from 'type-graphql';
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import type { Format } from '../../datasets/formats/write/archive.js';
import type { Context } from '../../graphql/context.js';
import { payload } from '../../graphql/userError.js';
import { StartJobInput } from '../options.js';
import { startTask } from '../start/startTask.js';
import { findVersion } from '../start/subjects.js';
import { JobKind } from '../vocabulary.js';
import { ExportFormat, ExportReport } from './exportReport.js';
import { JobPayload } from './jobPayload.js';
import { datasetVersionUuid } from '../../datasets/reference.js';

@InputType()
class StartExportInput extends StartJobInput {
  @Field(() => ID)
  datasetVersionId: string;
  @Field(() => ExportFormat)
  format: Format;
  @Field(() => Boolean, {
    defaultValue: false,
    description: "The pictures' bytes too, not only their names.",
  })
  pictures: boolean;
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
    { datasetVersionId, format, pictures, idempotencyKey, job }: StartExportInput,
    @Ctx() services: Context,
  ) {
    return payload(JobPayload, async () => {
      const versionUuid = await datasetVersionUuid(services.db, datasetVersionId, ['datasetVersionId']);
      const { projectUuid } = await findVersion(services.db, versionUuid);
      const asked = { versionUuid, format, pictures };
      const task = { projectUuid, kind: JobKind.EXPORT as const, asked, idempotencyKey, job };
      return { job: await startTask(services, task, async () => asked) };
    });
  }
}
