/** What an import has done, and what of its files it could not take. */
import { mergeReports, type ValidationReport } from '../../catalog/validation/report.js';
import type { Unknown } from '../formats/read/index.js';

export interface ImportExample {
  fileName: string;
  /** In the label file. */
  position: string;
  imageUuid: string;
}

/** What is counted as it is written, and kept with it. */
export interface Tally {
  frames: number;
  created: number;
  /** They were there, with labels or without, and stay as they were. */
  existing: number;
  /** They were there, and have got their picture or labels. */
  filled: number;
  /** Of those that people had labelled: the ones on which the file says something else. They stay as they were. */
  different: number;
  /** Frames on which nobody has looked for anything. */
  unlabelled: number;
  /** Boxes written. */
  annotations: number;
  /** Frames whose picture came along. */
  pictures: number;
  placesCreated: number;
  /** How often, by reason. */
  leftOut: Record<string, number>;
  /** Of `different`, the first 20. */
  examples: ImportExample[];
  /** What was created or filled in, by the rules of the project; null: nothing was. */
  validation: ValidationReport | null;
}

export interface ImportReport extends Omit<Tally, 'leftOut'> {
  /** The label format, `manifest.csv`, `manifest.jsonl` or `class folders`. */
  format: string;
  leftOut: { reason: string; count: number }[];
  /** Values that the catalog has no word for, kept aside. */
  unknown: Unknown[];
}

const MAX_EXAMPLES = 20;

export const emptyTally = (): Tally => ({
  ...{ frames: 0, created: 0, existing: 0, filled: 0, different: 0, unlabelled: 0, annotations: 0 },
  ...{ pictures: 0, placesCreated: 0, leftOut: {}, examples: [], validation: null },
});

export function addTally(to: Tally, part: Tally): void {
  for (const [name, value] of Object.entries(part))
    if (typeof value === 'number') (to as unknown as Record<string, number>)[name]! += value;
  for (const [reason, count] of Object.entries(part.leftOut)) leaveOut(to, reason, count);
  const validations = [to.validation, part.validation].filter((one) => one !== null);
  to.validation = validations.length > 0 ? mergeReports(validations) : null;
  to.examples = [...to.examples, ...part.examples].slice(0, MAX_EXAMPLES);
}

export function leaveOut(tally: Tally, reason: string, count = 1): void {
  tally.leftOut[reason] = (tally.leftOut[reason] ?? 0) + count;
}

export function reportOf(
  format: string,
  tally: Tally,
  unknown: Iterable<Unknown>,
  leftByReader: ReadonlyMap<string, number>,
): ImportReport {
  const all = structuredClone(tally);
  for (const [reason, count] of leftByReader) leaveOut(all, reason, count);
  return {
    ...all,
    format,
    leftOut: Object.entries(all.leftOut).map(([reason, count]) => ({ reason, count })),
    unknown: [...unknown],
  };
}
