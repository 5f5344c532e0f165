/** Labels without their pictures, or an archive of both: sent as one file, which a job of the service reads. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { withEnding, openFileSet } from '../../datasets/formats/read/input.js';
import type { LabelFormat } from '../../datasets/formats/read/index.js';
import { archiveKind, isGzip } from '../../platform/archive/index.js';
import type { ShingoClient } from '../api.js';
import type { Project } from '../projects.js';
import { runTask } from '../tasks.js';
import { count, plural } from '../terminal/format.js';
import { Pace, type Progress } from '../terminal/progress.js';
import { uploadFile } from '../uploadFile.js';

export interface JobImport {
  /** A label file, a folder of them, or an archive. */
  source: string;
  project: Project;
  format: LabelFormat | 'auto';
  lenient: boolean;
  timeZone?: string;
}

export interface JobImportReport {
  format: string;
  frames: number;
  created: number;
  existing: number;
  filled: number;
  different: number;
  unlabelled: number;
  annotations: number;
  pictures: number;
  placesCreated: number;
  leftOut: { reason: string; count: number }[];
  unknown: { field: string; value: string; count: number; position: string }[];
  examples: { fileName: string; position: string }[];
  validation: {
    passed: boolean;
    rules: { rule: { kind: string }; failed: number; examples: { detail: string }[] }[];
  } | null;
}

const FIELDS = `format frames created existing filled different unlabelled annotations pictures placesCreated
  leftOut { reason count } unknown { field value count position } examples { fileName position }
  validation { passed rules { rule { kind } failed examples { detail } } }`;
const LABEL_FILES = ['.json', '.jsonl', '.yaml', '.yml', '.csv', '.txt'];

/** Whether the path is a file that only the service unpacks. */
export async function isPacked(source: string): Promise<boolean> {
  const found = await stat(source).catch(() => null);
  return found?.isFile() === true && ((await archiveKind(source)) !== null || (await isGzip(source)));
}

/** @throws ApiError */
export async function importByJob(
  client: ShingoClient,
  { source, project, format, lenient, timeZone }: JobImport,
  progress: Progress,
): Promise<JobImportReport> {
  await using file = await asFile(source);
  const pace = new Pace();
  const upload = await uploadFile(client, {
    projectId: project.id,
    path: file.path,
    fileName: file.name,
    mediaType: 'application/octet-stream',
    onProgress: (sent, of) =>
      progress.update({ label: 'upload', done: sent, total: of, unit: 'B', ...pace.measure(sent, of) }),
  });
  progress.stop();
  const { report } = await runTask<JobImportReport>(
    client,
    {
      ...{ projectId: project.id, start: 'startImport' },
      input: { projectId: project.id, uploadId: upload.id, format: format.toUpperCase(), lenient, timeZone },
      report: { type: 'ImportReport', fields: FIELDS },
    },
    progress,
  );
  return report;
}

interface SourceFile extends AsyncDisposable {
  path: string;
  name: string;
}

/** A folder becomes a zip of its label files, the same for the same files; pictures stay where they are. */
async function asFile(source: string): Promise<SourceFile> {
  const name = path.basename(source);
  if ((await stat(source)).isFile())
    return { path: source, name, [Symbol.asyncDispose]: async () => undefined };
  const folder = await mkdtemp(path.join(tmpdir(), 'shingo-labels-'));
  const target = path.join(folder, 'labels.zip');
  const zip = new ZipFile();
  for (const { path: inner } of withEnding(await openFileSet(source), ...LABEL_FILES))
    zip.addFile(path.join(source, inner), inner, { mtime: new Date(1980, 0, 1), forceDosTimestamp: true });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(target));
  return {
    ...{ path: target, name: `${name}.zip` },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Notices first, then the sum of it. */
export function jobSummary(report: JobImportReport, project: string): { notices: string[]; text: string } {
  const { created, existing, filled, different, annotations, pictures, placesCreated, unlabelled } = report;
  const parts = [
    created + filled === 0
      ? `nothing new: all ${plural(existing, 'image')} were there already`
      : `${plural(created, 'image')} created`,
  ];
  if (filled > 0) parts.push(`${count(filled)} completed`);
  if (created + filled > 0 && existing > 0) parts.push(`${count(existing)} there already`);
  if (annotations > 0) parts.push(plural(annotations, 'box', 'boxes'));
  if (pictures > 0) parts.push(plural(pictures, 'picture'));
  if (placesCreated > 0) parts.push(`${plural(placesCreated, 'place')} created`);
  if (unlabelled > 0) parts.push(`${count(unlabelled)} unlabelled`);
  const example = report.examples[0];
  const broken = (report.validation?.rules ?? []).filter(({ failed }) => failed > 0);
  return {
    notices: [
      ...report.leftOut.map(({ reason, count: n }) => `left out: ${count(n)} ${reason}`),
      ...report.unknown.map(
        ({ field, value, count: n, position }) =>
          `kept aside: ${field} ${value}, ${plural(n, 'time')}, first at ${position}`,
      ),
      ...broken.map(
        ({ rule, failed, examples }) =>
          `rule ${rule.kind}: ${count(failed)} broke it, such as: ${examples[0]?.detail ?? ''}`,
      ),
      ...(different > 0 && example
        ? [
            `${plural(different, 'image')} labelled otherwise by people: left as they are, such as ${example.fileName} (${example.position})`,
          ]
        : []),
    ],
    text: `project ${project}: ${parts.join(', ')}`,
  };
}
