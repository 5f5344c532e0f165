/** A data set version as one zip file, made by a task: labels in a format, with the pictures if they are wanted. */
import { join } from 'node:path';
import type { TaskContext, TaskFile } from '../../platform/task.js';
import { writeArchive, type Format, type Written } from '../formats/write/archive.js';
import { describeVersion, framesOfVersion } from './frames.js';

export interface ExportRequest {
  versionUuid: string;
  format: Format;
  /** The pictures' bytes too, and not only their names. */
  pictures: boolean;
}

export interface ExportReport extends Written {
  datasetVersionUuid: string;
}

/**
 * The same version gives the same bytes, so an attempt that broke off simply begins anew.
 * @throws ShingoError NOT_FOUND
 */
export async function exportVersion(
  task: TaskContext,
  { versionUuid, format, pictures }: ExportRequest,
): Promise<{ report: ExportReport; files: TaskFile[] }> {
  const { db, blobs, folder, signal } = task;
  const about = await describeVersion(db, versionUuid, pictures);
  const name = `${fileName(about.dataset)}-${about.version}-${format.toLowerCase()}.zip`;
  const target = join(folder, 'export.zip');
  task.progress('WRITING', 0, about.imageCount);
  const written = await writeArchive({
    ...{ format, about, folder, target, signal },
    frames: framesOfVersion(db, versionUuid, about.conditions),
    picture: async ({ sha256 }) => (sha256 && (await blobs.has(sha256)) ? blobs.file(sha256) : null),
    progress: (images) => task.progress('WRITING', images, about.imageCount),
  });
  return {
    report: { datasetVersionUuid: versionUuid, ...written },
    files: [{ name, mediaType: 'application/zip', path: target }],
  };
}

/** Fit for every file system and every shell. */
const fileName = (text: string): string =>
  text.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 100) || 'dataset';
