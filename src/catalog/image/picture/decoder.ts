/** Pictures are decoded in processes of their own: a bomb, a hang or a crash in there costs one picture. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ShingoError } from '../../../platform/error.js';
import { PoolError, ProcessPool } from '../../../platform/processPool.js';
import { PictureError, type PictureErrorCode } from './error.js';
import type { ThumbnailFile } from './thumbnail.js';
import { LIMITS, tooSlow, type PictureFacts, type PictureLimits } from './inspect.js';

/** What a decoding process is asked for. */
export type DecodeRequest =
  | { inspect: Buffer | string; limits: PictureLimits }
  | { thumbnail: string; into: ThumbnailFile; limits: PictureLimits };

export type DecodeReply =
  | { done: PictureFacts | null }
  | { refused: { code: PictureErrorCode; message: string } }
  | { failed: { code: string | undefined; message: string } };

/** sharp's own limit does not count all that it does: the process is ended by force, start-up included. */
const GRACE_MS = 1000;

export const decoders = new ProcessPool<DecodeRequest, DecodeReply>({
  module: fileURLToPath(new URL('./decodeProcess.js', import.meta.url)),
  size: Math.min(4, availableParallelism()),
  idleMs: 30_000,
  // At 5 to 20 ms a picture half a minute's work; who comes later should come again.
  maxWaiting: 2000,
  timeoutMs: LIMITS.timeoutSeconds * 1000 + GRACE_MS,
});

/**
 * Decodes the whole picture once, in another process, and says what it is. Throws `PictureError` for what the catalog
 * does not take; an unreadable path throws as the file system does; DECODERS_BUSY when too many wait.
 */
export async function inspectPicture(
  input: Buffer | string,
  limits: Partial<PictureLimits> = {},
): Promise<PictureFacts> {
  return (await ask({ inspect: input, limits: { ...LIMITS, ...limits } })) as PictureFacts;
}

/** Writes a small version of a stored picture into a file of its own. Throws as `inspectPicture` does. */
export async function makeThumbnail(path: string, into: ThumbnailFile): Promise<void> {
  await ask({ thumbnail: path, into, limits: LIMITS });
}

async function ask(request: DecodeRequest): Promise<PictureFacts | null> {
  const reply = await decode(request);
  if ('done' in reply) return reply.done;
  if ('refused' in reply) throw new PictureError(reply.refused.code, reply.refused.message);
  throw Object.assign(new Error(reply.failed.message), { code: reply.failed.code });
}

async function decode(request: DecodeRequest): Promise<DecodeReply> {
  for (let crashed = false; ; crashed = true) {
    try {
      return await decoders.run(request, request.limits.timeoutSeconds * 1000 + GRACE_MS);
    } catch (error) {
      if (!(error instanceof PoolError)) throw error;
      // A process may have been killed for a reason of its own; a picture that kills two is the reason.
      if (error.failure.reason === 'CRASH' && !crashed) continue;
      throw refusal(error, request.limits);
    }
  }
}

function refusal(error: PoolError, limits: PictureLimits): Error {
  const cause = { cause: error };
  switch (error.failure.reason) {
    case 'TIMEOUT':
      return tooSlow(limits, error);
    case 'MEMORY':
      return new PictureError(
        'PICTURE_TOO_LARGE',
        'The picture needs more memory than one picture may: save it smaller, or as a baseline JPEG.',
        cause,
      );
    case 'CRASH':
      return new PictureError('PICTURE_DAMAGED', 'The decoder broke on this picture: save it anew.', cause);
    case 'BUSY':
      return new ShingoError('DECODERS_BUSY', 'Too many pictures wait to be decoded; try again.', 503);
  }
}
