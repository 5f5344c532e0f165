import { openAsBlob } from 'node:fs';

import { ApiError, messageOf } from './errors.js';
import { type Answer, parseJson, unexpected } from './http.js';

/** A Blob that is backed by the file: it streams, its length is known, and a retry reads it again. */
export async function blobOf(source: string | Uint8Array, mediaType: string): Promise<Blob> {
  if (typeof source !== 'string') return new Blob([new Uint8Array(source)], { type: mediaType });
  try {
    return await openAsBlob(source, { type: mediaType });
  } catch (error) {
    throw new ApiError('FILE_UNREADABLE', `${source} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** True when the server had not had these bytes before. */
export function blobStored(answer: Answer, sha256: string): boolean {
  if (answer.status === 201) return true;
  if (answer.status === 200 || answer.status === 204) return false;
  const refused = refusal(answer);
  if (refused) throw refused;
  if (answer.status === 413) {
    throw new ApiError('BLOB_TOO_LARGE', 'the file is larger than the server accepts', { status: 413 });
  }
  throw unexpected(answer, `PUT /blobs/${sha256}`);
}

/** What the server said of the bytes, if it did not want them. */
export function refusal(answer: Answer): ApiError | null {
  const body = parseJson(answer.text) as { code?: unknown; message?: unknown } | null | undefined;
  if (typeof body?.code !== 'string' || typeof body.message !== 'string' || answer.status >= 500) return null;
  return new ApiError(body.code, body.message, { status: answer.status });
}
