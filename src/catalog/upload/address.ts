/** The address that a file is sent to: signed over the upload, its size, its digest and the time it is good for. */
import { ShingoError } from '../../platform/error.js';
import type { Signer } from '../../platform/signer.js';
import type { Upload } from './upload.js';

type Signed = Pick<Upload, 'uuid' | 'bytes' | 'sha256'>;

const text = ({ uuid, bytes, sha256 }: Signed, expires: number) =>
  `upload\n${uuid}\n${bytes}\n${sha256}\n${expires}`;

/** Path and query on this service. */
export function uploadUrl(signer: Signer, upload: Upload): string {
  const expires = upload.expiresAt.getTime();
  return `/uploads/${upload.globalId}?expires=${expires}&signature=${signer.sign(text(upload, expires))}`;
}

/**
 * @param upload as `findUpload` gave it, whose time is not over by the database's clock: those of the hosts do not count
 * @throws ShingoError UPLOAD_SIGNATURE
 */
export function checkAddress(
  signer: Signer,
  upload: Signed,
  { expires, signature }: { expires?: unknown; signature?: unknown },
): void {
  if (!signer.verify(text(upload, Number(expires)), String(signature))) {
    throw new ShingoError('UPLOAD_SIGNATURE', 'Use the whole address that createUpload gave.', 403);
  }
}
