/** Label files in memory, and what a reader makes of them. */
import {
  Findings,
  readFrames,
  type FileSet,
  type LabelFormat,
} from '../../src/datasets/formats/read/index.js';
import type { Frame } from '../../src/datasets/formats/frame.js';
import { ShingoError } from '../../src/platform/error.js';

/** @param chunk bytes that are read at a time */
export function filesOf(files: Record<string, string | Uint8Array>, chunk = 1 << 16): FileSet {
  return {
    name: 'labels',
    files: Object.keys(files)
      .sort()
      .map((path) => {
        const bytes = Buffer.from(files[path] as string);
        return {
          path,
          bytes: bytes.length,
          async *open() {
            for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
          },
        };
      }),
  };
}

export async function framesOf(
  files: Record<string, string | Uint8Array> | FileSet,
  format: LabelFormat | 'auto' = 'auto',
  findings = new Findings(false),
): Promise<Frame[]> {
  const set =
    'files' in files && Array.isArray(files.files)
      ? (files as FileSet)
      : filesOf(files as Record<string, string>);
  const frames: Frame[] = [];
  for await (const frame of readFrames(set, format, findings)) frames.push(frame);
  return frames;
}

/** What the refusal says; 'read' if there is none. */
export async function refusalOf(...given: Parameters<typeof framesOf>): Promise<string> {
  try {
    await framesOf(...given);
    return 'read';
  } catch (error) {
    if (!(error instanceof ShingoError)) throw error;
    return `${error.code} ${error.message}`;
  }
}
