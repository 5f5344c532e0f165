import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { projectUuid } from '../project/projectService.js';
import { uploadUrl } from './address.js';
import { Upload } from './upload.js';
import { completeUpload, createUpload, receivedBytes } from './uploadService.js';

@InputType()
class CreateUploadInput {
  @Field(() => ID, { description: 'Id or name.' })
  projectId: string;
  @Field(() => String)
  fileName: string;
  @Field(() => Float, { description: 'Of the whole file; no more are taken.' })
  bytes: number;
  @Field(() => String, { description: 'Of the whole file; other bytes are refused.' })
  sha256: string;
  @Field(() => String)
  mediaType: string;
  @Field(() => String, {
    nullable: true,
    description: 'The same key and file give the upload that is there already, to go on with.',
  })
  idempotencyKey?: string | null;
}

@InputType()
class CompleteUploadInput {
  @Field(() => ID)
  uploadId: string;
}

@ObjectType()
class UploadPayload extends Payload {
  @Field(() => Upload, { nullable: true })
  upload?: Upload | null;
}

@Resolver(() => Upload)
export class UploadResolver {
  @Query(() => Upload, { nullable: true })
  upload(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Upload | null> {
    return load.one(Upload, uuidOf('Upload', id));
  }

  @Mutation(() => UploadPayload, {
    description: 'Announces a file. Send it to `url` (PUT; HEAD tells where to go on), then completeUpload.',
  })
  createUpload(
    @Arg('input', () => CreateUploadInput) { projectId, ...input }: CreateUploadInput,
    @Ctx() context: Context,
  ) {
    return payload(UploadPayload, async () => ({
      upload: await createUpload(context, await projectUuid(context.db, projectId), input),
    }));
  }

  @Mutation(() => UploadPayload, {
    description: 'Checks the digest and keeps the file. Doing it again changes nothing.',
  })
  completeUpload(
    @Arg('input', () => CompleteUploadInput) { uploadId }: CompleteUploadInput,
    @Ctx() context: Context,
  ) {
    return payload(UploadPayload, async () => ({
      upload: await completeUpload(context, uuidOf('Upload', uploadId)),
    }));
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Path on this service, good without a key until `expiresAt`. Null: it is complete.',
  })
  url(@Root() upload: Upload, @Ctx() { signer }: Context): string | null {
    return upload.completedAt === null ? uploadUrl(signer, upload) : null;
  }

  @FieldResolver(() => Float, { description: 'Bytes that are here: go on from there.' })
  receivedBytes(@Root() upload: Upload, @Ctx() context: Context): Promise<number> {
    return receivedBytes(context, upload);
  }
}
