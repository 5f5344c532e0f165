/**
 * Decodes the crops of all samples once and keeps them as bytes: 3 KiB a light at 32 px, so that a hundred thousand
 * lights fit in 300 MB and no epoch waits for a decoder.
 */
import sharp from 'sharp';
import { TrainingError } from '../error.js';
import type { Sample } from '../protocol.js';
import { cropRegion } from './crop.js';
import type { Preprocessing } from './preprocessing.js';

/** RGB crops [n, inputSize, inputSize, 3], in the order of the samples. */
export interface Pictures {
  data: Uint8Array;
  inputSize: number;
  length: number;
}

export interface LoadOptions {
  /** Files decoded at a time; each may hold one full picture (2.8 MB at 1280×720). */
  concurrency?: number;
  signal?: AbortSignal;
  onProgress?: (done: number) => void;
}

export async function loadPictures(
  samples: readonly Sample[],
  preprocessing: Preprocessing,
  { concurrency = 4, signal, onProgress }: LoadOptions = {},
): Promise<Pictures> {
  const { inputSize } = preprocessing;
  const pictures = {
    data: new Uint8Array(samples.length * inputSize ** 2 * 3),
    inputSize,
    length: samples.length,
  };
  const groups = groupByFile(samples).entries();
  let done = 0;
  let failed = false;
  const work = async () => {
    // All workers draw from this one iterator; after a failure each stops at the file it is at.
    for (const [file, indices] of groups) {
      if (signal?.aborted || failed) return;
      await loadFile(file, indices, samples, preprocessing, pictures).catch((error: unknown) => {
        failed = true;
        throw error;
      });
      onProgress?.((done += indices.length));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return pictures;
}

function groupByFile(samples: readonly Sample[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  samples.forEach(({ file }, index) => {
    const group = groups.get(file);
    if (group) group.push(index);
    else groups.set(file, [index]);
  });
  return groups;
}

async function loadFile(
  file: string,
  indices: readonly number[],
  samples: readonly Sample[],
  preprocessing: Preprocessing,
  pictures: Pictures,
): Promise<void> {
  const bytes = pictures.inputSize ** 2 * 3;
  try {
    const { data, info } = await sharp(file)
      // Boxes are drawn on what people see: the EXIF orientation is applied, as at upload.
      .autoOrient()
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: 3 as const };
    for (const index of indices) {
      const crop = sharp(data, { raw }).extract(regionOf(samples[index]!, raw, preprocessing));
      const { fit, kernel } = preprocessing.resize;
      const side = preprocessing.inputSize;
      pictures.data.set(await crop.resize(side, side, { fit, kernel }).raw().toBuffer(), index * bytes);
    }
  } catch (cause) {
    if (cause instanceof TrainingError) throw cause;
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new TrainingError('PICTURE_UNREADABLE', `Picture ${file} cannot be read: ${why}`, { cause });
  }
}

function regionOf(
  { id, file, box }: Sample,
  picture: { width: number; height: number },
  { crop }: Preprocessing,
) {
  if (!box) return { left: 0, top: 0, width: picture.width, height: picture.height };
  const region = cropRegion(box, picture, crop.margin);
  if (region) return region;
  const { width, height } = picture;
  throw new TrainingError(
    'BOX_OUTSIDE_PICTURE',
    `Sample ${id}: its box has no pixel in ${file} (${width}×${height}).`,
  );
}
