/** The process that decodes pictures, so that what strangers send is never decoded within the service. */
import sharp from 'sharp';
import { serveRequests } from '../../../platform/poolChild.js';
import type { DecodeReply, DecodeRequest } from './decoder.js';
import { PictureError } from './error.js';
import { inspectPicture } from './inspect.js';
import { writeThumbnail } from './thumbnail.js';

/** The largest picture within the limits, an AVIF of 40 Mpx, takes 700 MB. */
const MAX_MEMORY_BYTES = 2 ** 30;

// libvips would put what exceeds 100 MB into temporary files, and a killed process leaves them. Read at its first use.
process.env.VIPS_DISC_THRESHOLD = '1t';
// One thread a picture: the pool has a process for every core, and small pictures gain nothing from more.
sharp.concurrency(1);
sharp.cache(false);

serveRequests<DecodeRequest, DecodeReply>(MAX_MEMORY_BYTES, async (request) => {
  try {
    if ('inspect' in request) return { done: await inspectPicture(request.inspect, request.limits) };
    await writeThumbnail(request.thumbnail, request.into, request.limits);
    return { done: null };
  } catch (error) {
    if (error instanceof PictureError) return { refused: { code: error.code, message: error.message } };
    const { code, message } = error as NodeJS.ErrnoException;
    return { failed: { code, message } };
  }
});
