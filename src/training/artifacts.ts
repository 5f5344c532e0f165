/** The files that a finished training leaves below outputDir. */
import { join } from 'node:path';
import type { EpochHistory } from './checkpoint.js';
import { writeFileAtomic } from './files.js';
import { toJson, type ModelDescription } from './modelFiles.js';
import type { TrainerArtifact } from './protocol.js';

const MODEL_FILES = [
  ['model.json', 'application/json'],
  ['weights.bin', 'application/octet-stream'],
  ['classes.json', 'application/json'],
  ['preprocessing.json', 'application/json'],
] as const;

const model = (folder: string, kind: string): TrainerArtifact[] =>
  MODEL_FILES.map(([name, mediaType]) => ({ path: `${folder}/${name}`, kind, mediaType }));

export const ARTIFACTS: TrainerArtifact[] = [
  // Of the best epoch, of the last one, and before the first.
  ...model('model', 'MODEL'),
  ...model('last', 'LAST_MODEL'),
  ...model('initial', 'INITIAL_MODEL'),
  { path: 'classes.json', kind: 'CLASSES', mediaType: 'application/json' },
  { path: 'preprocessing.json', kind: 'PREPROCESSING', mediaType: 'application/json' },
  { path: 'metrics.csv', kind: 'METRICS', mediaType: 'text/csv' },
];

export async function writeReports(
  outputDir: string,
  history: EpochHistory,
  about: ModelDescription,
): Promise<void> {
  await writeFileAtomic(join(outputDir, 'classes.json'), toJson(about.classes));
  await writeFileAtomic(join(outputDir, 'preprocessing.json'), toJson(about.preprocessing));
  await writeFileAtomic(join(outputDir, 'metrics.csv'), metricsCsv(history));
}

export function metricsCsv(history: EpochHistory): string {
  const rows = history.flatMap(({ epoch, metrics }) =>
    metrics.map(({ name, split, condition, value, n, lower, upper, method }) =>
      [epoch, name, split, condition, value, n, lower, upper, method].map(csvField).join(','),
    ),
  );
  return ['epoch,name,split,condition,value,n,lower,upper,method', ...rows, ''].join('\n');
}

/** RFC 4180; null is the empty field. */
function csvField(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
