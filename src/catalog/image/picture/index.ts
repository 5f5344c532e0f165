/** What the catalog learns from the bytes of a picture at upload: format, size and light; or why it refuses them. */
export { inspectPicture, makeThumbnail } from './decoder.js';
export type { PictureFacts, PictureLimits } from './inspect.js';
export { LIMITS as PICTURE_LIMITS } from './inspect.js';
export { PictureError, type PictureErrorCode } from './error.js';
export { DARKNESS_NIGHT_THRESHOLD, timeOfDayFromDarkness } from './darkness.js';
export { PICTURE_FORMATS, type PictureFormat } from './container.js';
