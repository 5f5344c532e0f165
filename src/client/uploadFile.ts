import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';

import { ApiError, type ShingoClient } from './api.js';
import { blobOf, refusal } from './blob.js';
import { hasCode } from './errors.js';
import { exchange, mayRetry, unexpected } from './http.js';
import { sha256Of } from '../platform/digest.js';
import { backOff, REQUEST_POLICY } from './retry.js';

/** What a broken connection costs at most, and how often progress is told. */
const PIECE_BYTES = 16 * 2 ** 20;
const PIECE_TIMEOUT_MS = 300_000;
/** The server reads the whole file once: 20 GB from a slow disk. */
const COMPLETE_TIMEOUT_MS = 600_000;

const UPLOAD = 'upload { id url sha256 bytes receivedBytes }';
const CREATE_UPLOAD = `mutation CreateUpload($input: CreateUploadInput!) {
  createUpload(input: $input) { ${UPLOAD} userErrors { code message field } }
}`;
const COMPLETE_UPLOAD = `mutation CompleteUpload($input: CompleteUploadInput!) {
  completeUpload(input: $input) { ${UPLOAD} userErrors { code message field } }
}`;
const RECEIVED = 'query Received($id: ID!) { upload(id: $id) { receivedBytes } }';

export interface UploadedFile {
  id: string;
  /** Null: it is complete. */
  url: string | null;
  sha256: string;
  bytes: number;
  receivedBytes: number;
}

export interface FileToUpload {
  projectId: string;
  path: string;
  mediaType: string;
  /** Default: the last part of `path`. */
  fileName?: string;
  onProgress?: (sent: number, of: number) => void;
  pieceBytes?: number;
}

/**
 * Sends a file of any size, in pieces and in constant memory; goes on where an earlier call, or an earlier process,
 * was cut off. What the server has already is not sent. Throws ApiError, or the client's signal.
 */
export async function uploadFile(client: ShingoClient, file: FileToUpload): Promise<UploadedFile> {
  const {
    projectId,
    path,
    mediaType,
    fileName = basename(path),
    onProgress,
    pieceBytes = PIECE_BYTES,
  } = file;
  const { size } = await blobOf(path, mediaType);
  const sha256 = await sha256Of(path);
  const input = { projectId, fileName, mediaType, bytes: size, sha256 };
  const { upload } = await client.mutate<{ upload: UploadedFile }>(
    CREATE_UPLOAD,
    { ...input, idempotencyKey: `file:${sha256.slice(0, 32)}:${fileName.slice(-100)}` },
    { idempotent: true },
  );
  if (upload.url !== null) {
    await sendPieces(client, upload, path, pieceBytes, onProgress);
    const done = await client.mutate<{ upload: UploadedFile }>(
      COMPLETE_UPLOAD,
      { uploadId: upload.id },
      { idempotent: true, timeoutMs: COMPLETE_TIMEOUT_MS },
    );
    return done.upload;
  }
  onProgress?.(size, size);
  return upload;
}

async function sendPieces(
  client: ShingoClient,
  { id, url, bytes, receivedBytes }: UploadedFile,
  path: string,
  pieceBytes: number,
  onProgress: FileToUpload['onProgress'],
): Promise<void> {
  const blob = await openAsBlob(path);
  let offset = receivedBytes;
  onProgress?.(offset, bytes);
  for (let failures = 0; offset < bytes;) {
    client.signal?.throwIfAborted();
    const end = Math.min(offset + pieceBytes, bytes);
    try {
      await sendPiece(client, `${client.baseUrl}${url}`, blob.slice(offset, end), offset);
      offset = end;
      failures = 0;
    } catch (error) {
      failures += 1;
      const again = mayRetry(error, true) || hasCode(error, 'UPLOAD_OFFSET', 'UPLOAD_TAKEN_OVER');
      if (!again || failures >= REQUEST_POLICY.attempts) throw error;
      await backOff(REQUEST_POLICY, failures, client.signal);
      const { upload } = await client.request<{ upload: UploadedFile | null }>(RECEIVED, { id });
      if (!upload) throw new ApiError('UPLOAD_EXPIRED', 'the server has forgotten this upload');
      if (upload.receivedBytes > offset) failures = 0;
      offset = upload.receivedBytes;
    }
    onProgress?.(offset, bytes);
  }
}

async function sendPiece(client: ShingoClient, url: string, body: Blob, offset: number): Promise<void> {
  const init = { method: 'PUT', headers: { 'upload-offset': String(offset) }, body };
  const answer = await exchange(url, init, PIECE_TIMEOUT_MS, client.signal);
  if (answer.status === 204) return;
  throw refusal(answer) ?? unexpected(answer, 'PUT of a piece');
}
