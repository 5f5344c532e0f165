/** What every writer of a label format is made of. Writers know frames and files, and nothing of the database. */
import type { Split } from '../../../catalog/vocabulary.js';
import type { Frame } from '../frame.js';
import type { Loss } from './losses.js';

/** A frame of a data set version. */
export interface VersionFrame extends Frame {
  /** Stable within the catalog. */
  id: string;
  split: `${Split}`;
  /** The named conditions that it was in when the version was made. */
  conditions: string[];
  /** Of its picture, if that is here. */
  mediaType?: string | null;
  /** Where it was taken: country, prefecture and city. */
  place?: string | null;
}

/** What a file says about where it comes from. */
export interface About {
  dataset: string;
  description: string;
  /** MAJOR.MINOR.PATCH */
  version: string;
  /** SHA-256 of the version's content. */
  dataId: string;
  createdAt: Date;
  /** The names that frames may have among their conditions. */
  conditions: string[];
  /** The pictures are exported too, in the places that `add` says. */
  pictures: boolean;
}

export interface OpenWriter {
  /**
   * Returns where in the export its picture belongs.
   * @param name what it is called in the export, see `FileNames`; missing: its file name
   */
  add(frame: VersionFrame, name?: string): Promise<string>;
  /** Returns the files that it has made, relative to its folder, in the order of the archive. */
  finish(): Promise<string[]>;
  /** Closes what is open, whether finished or not. */
  close(): Promise<void>;
}

export interface FormatWriter {
  /** What the format cannot carry. */
  losses: readonly Loss[];
  /** It has a column for the file name as it is; the others have only the name by which the picture is found. */
  keepsNames?: boolean;
  open(folder: string, about: About): Promise<OpenWriter>;
}

export const SPLITS = ['TRAIN', 'VALIDATION', 'TEST'] as const;
/** As BDD100K, COCO and YOLO name their files and folders. */
export const SPLIT_NAME = { TRAIN: 'train', VALIDATION: 'val', TEST: 'test' } as const;

/** A file name as a path inside an export: never absolute, never out of it, and fit for every file system. */
export function safePath(fileName: string): string {
  const parts = fileName
    .split(/[/\\]/)
    .filter((part) => part !== '' && part !== '.')
    .map((part) => (part === '..' ? '_' : part.replace(/[\x00-\x1f\x7f:*?"<>|]/g, '_')));
  return parts.join('/') || '_';
}
