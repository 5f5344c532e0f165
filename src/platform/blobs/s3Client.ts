/**
 * The S3 client: which bucket, how long a request may take, how often it is tried again, and what its failures are
 * called. Credentials come from where every AWS tool has them (environment, profile, instance role) and are in no
 * message of ours.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { unavailable } from '../blobs.js';
import { ShingoError } from '../error.js';
import type { S3Address } from './url.js';

const CONNECT_MS = 3_000;
/** Without a byte in either direction. */
const SILENCE_MS = 20_000;
/** The SDK waits between them, longer each time: all four are over within 2 s where nobody answers. */
const TRIES = 4;
const SOCKETS = 64;

export async function createS3Client({ endpoint, region, forcePathStyle }: S3Address): Promise<S3Client> {
  // 100 ms that only a service with a bucket has to wait for.
  const { S3Client: Client } = await import('@aws-sdk/client-s3');
  return new Client({
    ...{ endpoint, region, forcePathStyle, maxAttempts: TRIES },
    // Ours are SHA-256 and given where there are any: what the SDK adds by itself, other stores than AWS refuse.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      httpAgent: { keepAlive: true, maxSockets: SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: SOCKETS },
    },
  });
}

interface Failure {
  name?: string;
  code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
}

export const isNotFound = (error: unknown): boolean => {
  const { name, $metadata } = error as Failure;
  return name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404;
};

const BUCKET = /^(NoSuchBucket|InvalidBucketName)$/;
const FULL = /^(InsufficientStorage|QuotaExceeded|XMinioStorageFull)$/;
/** Signature, key, token, clock: none of these is mended by waiting. */
const REFUSED =
  /^(AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|RequestTimeTooSkewed|CredentialsProviderError|Forbidden)$/;
const NETWORK =
  /^(ECONN|EPIPE|ENOTFOUND|EAI_|EHOST|ENET|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE)|^(TimeoutError|SlowDown|ServiceUnavailable|InternalError|RequestTimeout)$/;

/** What the failure of a request is to whoever asked. */
export function failureOf(error: unknown): unknown {
  if (error instanceof ShingoError) return error;
  const { name = '', code = '', message = '', $metadata } = error as Failure;
  const status = $metadata?.httpStatusCode ?? 0;
  if (FULL.test(name) || status === 507)
    return new ShingoError('BLOB_STORE_FULL', 'The object store is full; nothing of this was kept.', 507);
  if (REFUSED.test(name) || BUCKET.test(name) || status === 401 || status === 403)
    return new ShingoError(
      'BLOB_STORE_REFUSED',
      `The object store refuses the service (${name || status}): see SHINGO_BLOB_URL, the credentials and their rights.`,
      503,
    );
  // An SDK error of several attempts to connect has neither name nor code of its own.
  if (
    status >= 500 ||
    status === 429 ||
    NETWORK.test(code) ||
    NETWORK.test(name) ||
    name === 'AggregateError'
  )
    return unavailable(code || name);
  return /socket hang up|aborted|timed? ?out|ECONN/i.test(message) ? unavailable(code || name) : error;
}
