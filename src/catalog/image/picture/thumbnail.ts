import { access } from 'node:fs/promises';
import sharp from 'sharp';
import { damaged, type PictureLimits } from './inspect.js';

export interface ThumbnailFile {
  /** Pixels; a picture that is narrower keeps its width. */
  width: number;
  format: 'webp' | 'jpeg';
  /** Path of the file to write. */
  output: string;
}

/** Turned as the camera was held, in sRGB, without metadata (a position is nobody's who sees a thumbnail). */
export async function writeThumbnail(
  path: string,
  { width, format, output }: ThumbnailFile,
  limits: PictureLimits,
): Promise<void> {
  // libvips says of a missing file what it says of a broken one.
  await access(path);
  const picture = sharp(path, { limitInputPixels: limits.maxPixels, failOn: 'error', autoOrient: true })
    .timeout({ seconds: limits.timeoutSeconds })
    .resize({ width, withoutEnlargement: true })
    .flatten()
    .toColourspace('srgb');
  // WebP's default effort (4) takes three times as long as 1 for files 5 % smaller.
  const encoded =
    format === 'webp' ? picture.webp({ quality: 75, effort: 1 }) : picture.jpeg({ quality: 80 });
  await encoded.toFile(output).catch((error: unknown) => {
    throw damaged(error);
  });
}
