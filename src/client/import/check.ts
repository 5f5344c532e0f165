import { AcrossRows, locate } from '../../datasets/formats/manifest/located.js';
import { type LabelOptions, openLabels } from './labels.js';
import { Problems } from '../../datasets/formats/manifest/problems.js';
import { EXPECTED, openSource, type Source } from '../../datasets/formats/manifest/source.js';

/** The outcome of the first pass: the whole folder reads without a problem. */
export interface CheckedFolder {
  source: Source;
  rows: number;
  bytes: number;
  /** The time zone of each place for which any row gives one, by `placeKey`. */
  timeZones: Map<string, string>;
}

export interface CheckOptions {
  /** The folder, or a file, holds labels of another tool. */
  labels?: LabelOptions;
  onNotice?: (text: string) => void;
  onProgress?: (rows: number) => void;
  signal?: AbortSignal;
}

/** Reads the whole manifest before anything is sent: a bad last row must not leave half an import behind. */
export async function checkFolder(folder: string, options: CheckOptions = {}): Promise<CheckedFolder> {
  const source = options.labels ? await openLabels(folder, options.labels) : await openSource(folder);
  const problems = new Problems();
  const across = new AcrossRows(problems);
  const checked: CheckedFolder = { source, rows: 0, bytes: 0, timeZones: across.timeZones };
  for await (const raw of source.rows(problems.add, options.onNotice)) {
    options.signal?.throwIfAborted();
    const located = await locate(source.root, raw, problems);
    if (located) {
      across.check(located);
      checked.bytes += located.picture.bytes;
    }
    if (problems.full) break;
    checked.rows++;
    options.onProgress?.(checked.rows);
  }
  problems.throwIfAny();
  if (checked.rows === 0) {
    const message = source.kind === 'class folders' ? `has ${EXPECTED}` : `${source.kind} has no rows`;
    problems.add({ where: folder, message });
    problems.throwIfAny();
  }
  return checked;
}
