import path from 'node:path';

import { Command, Option } from 'commander';

import { ShingoClient } from '../api.js';
import { DEFAULT_URL } from '../defaults.js';
import { describe } from '../errors.js';
import { ensureProject } from '../projects.js';
import { bytes, count, plural } from '../terminal/format.js';
import { withInterrupt } from '../terminal/interrupt.js';
import { Pace, Progress } from '../terminal/progress.js';
import { LABEL_FORMATS, type LabelFormat } from '../../datasets/formats/read/index.js';
import { importByJob, isPacked, jobSummary } from './byJob.js';
import { checkFolder, ImportError, importFolder, type ImportProgress, type ImportResult } from './index.js';
import { countLabels, type LabelCounts, type LabelOptions } from './labels.js';
import { isTimeZone } from '../../platform/timeZone.js';

export interface ImportCommandOptions {
  url: string;
  apiKey?: string;
  /** Created if there is none of that name; the folder's name if not given. */
  project?: string;
  timeZone?: string;
  /** Labels of another tool instead of a manifest. */
  format?: LabelFormat | 'auto';
  images?: string;
  lenient?: boolean;
  skipMissing?: boolean;
  /** The pictures are not sent, or come another day. */
  labelsOnly?: boolean;
  /** Read and count only. */
  dryRun?: boolean;
  signal?: AbortSignal;
}

/** `shingo import FOLDER`, to be added to the program; sets the exit code. */
export function importCommand(): Command {
  return new Command('import')
    .description(
      'register the images of a folder: by its manifest.csv or manifest.jsonl, by class-named folders, or by the labels of another tool',
    )
    .argument(
      '<folder>',
      'the folder; with --format the labels: a file, or a folder of them; or an archive (zip, tar, tar.gz) of labels and pictures',
    )
    .option('--project <name>', "the project, created if absent (default: the folder's name)")
    .option('--time-zone <zone>', 'for new places whose rows name none, such as Asia/Tokyo')
    .addOption(new Option('--format <name>', 'labels of another tool').choices(['auto', ...LABEL_FORMATS]))
    .option('--images <folder>', 'where the pictures of the labels are (default: beside them)')
    .option('--lenient', 'keep values aside that are not known, and report them')
    .option('--skip-missing', 'leave out frames whose picture is not there')
    .option('--labels-only', 'send the labels without pictures, which may come later under the same names')
    .option('--dry-run', 'read and count the labels; needs neither pictures nor a service')
    .option('--url <address>', 'where the service is', process.env.SHINGO_URL ?? DEFAULT_URL)
    .option('--api-key <key>', 'key of the service (default: SHINGO_API_KEY)')
    .action(async (folder: string, options: ImportCommandOptions) => {
      // npm runs scripts in the package's folder; the path was written for the folder that npm was called in.
      const resolve = (name: string) => path.resolve(process.env.INIT_CWD ?? '.', name);
      const images = options.images === undefined ? undefined : resolve(options.images);
      process.exitCode = await withInterrupt((signal) =>
        runImport(resolve(folder), { ...options, images, signal }),
      );
    });
}

/** Imports and reports on the terminal; returns the exit code. */
export async function runImport(folder: string, options: ImportCommandOptions): Promise<number> {
  const progress = new Progress();
  try {
    if (options.timeZone && !isTimeZone(options.timeZone)) {
      throw new Error(`--time-zone: "${options.timeZone}" is not a time zone such as Asia/Tokyo`);
    }
    const labels = labelOptions(options);
    if (options.dryRun) {
      const counts = await countLabels(folder, labels ?? { format: 'auto' }, undefined, options.signal);
      console.log(countsText(counts));
      return 0;
    }
    await using client = new ShingoClient({
      url: options.url,
      apiKey: options.apiKey ?? process.env.SHINGO_API_KEY,
      signal: options.signal,
    });
    const onNotice = (text: string) => progress.aside(() => console.error(`note: ${text}`));
    if (options.labelsOnly || (await isPacked(folder))) {
      const name = options.project ?? path.parse(path.resolve(folder)).name.replace(/\.tar$/, '');
      const project = await ensureProject(client, name);
      const { format = 'auto', lenient = false, timeZone } = options;
      const source = { source: folder, project, format, lenient, timeZone };
      const { notices, text } = jobSummary(await importByJob(client, source, progress), project.name);
      for (const notice of notices) onNotice(notice);
      console.log(text);
      return 0;
    }
    // Before the project is created: a folder that cannot be imported leaves nothing behind at all.
    const checked = await checkFolder(folder, { labels, onNotice, signal: options.signal });
    console.error(
      `${checked.source.kind}: ${plural(checked.rows, 'image')}, ${bytes(checked.bytes)}, no problems`,
    );
    const project = await ensureProject(
      client,
      options.project ?? path.parse(path.resolve(folder))[labels ? 'name' : 'base'],
    );
    const result = await importFolder(client, {
      folder,
      checked,
      projectId: project.id,
      timeZone: options.timeZone,
      onNotice,
      onProgress: reporter(progress),
    });
    progress.stop();
    console.log(summary(result, project.name));
    return 0;
  } catch (error) {
    progress.stop();
    console.error(error instanceof ImportError ? error.message : `import failed: ${describe(error)}`);
    return 1;
  }
}

/** Undefined: the folder has a manifest, or class folders. @throws Error when an option needs --format */
function labelOptions({
  format,
  images,
  lenient,
  skipMissing,
  labelsOnly,
}: ImportCommandOptions): LabelOptions | undefined {
  if (format) return { format, images, lenient, skipMissing };
  if (labelsOnly) return { format: 'auto', lenient };
  const alone = images ? '--images' : lenient ? '--lenient' : skipMissing ? '--skip-missing' : null;
  if (alone) throw new Error(`${alone} is about the labels of another tool; say --format auto as well`);
  return undefined;
}

const MAX_CLASSES = 40;

function countsText({ format, frames, unlabelled, empty, boxes, classes, notices }: LabelCounts): string {
  const ordered = [...classes].sort(([, a], [, b]) => b - a);
  const more = ordered.length - MAX_CLASSES;
  return [
    `${format}: ${plural(frames, 'image')} (${count(empty)} with nothing in them, ${count(unlabelled)} unlabelled), ${plural(boxes, 'box', 'boxes')}`,
    ...ordered.slice(0, MAX_CLASSES).map(([name, n]) => `  ${count(n).padStart(11)}  ${name}`),
    ...(more > 0 ? [`  and ${plural(more, 'class', 'classes')} more`] : []),
    ...notices,
  ].join('\n');
}

/** Turns an import's progress into a bar or lines. */
export function reporter(progress: Progress): (state: ImportProgress) => void {
  let pace = new Pace();
  return ({ phase, done, total }) => {
    if (phase === 'check') return;
    if (done === 0) pace = new Pace();
    progress.update({ label: 'import', done, total: total ?? 0, ...pace.measure(done, total ?? 0) });
  };
}

export function summary(result: ImportResult, project: string): string {
  const { created, existing, filled, unlabelled, uploaded, placesCreated } = result;
  const parts = [
    created + filled === 0
      ? `nothing new: all ${plural(existing, 'image')} were there already`
      : `${plural(created, 'image')} created`,
  ];
  if (filled > 0) parts.push(`${count(filled)} completed`);
  if (created + filled > 0 && existing > 0) parts.push(`${count(existing)} there already`);
  if (uploaded > 0) parts.push(`${plural(uploaded, 'picture')} uploaded`);
  if (placesCreated > 0) parts.push(`${plural(placesCreated, 'place')} created`);
  if (unlabelled > 0) parts.push(`${count(unlabelled)} unlabelled`);
  return `project ${project}: ${parts.join(', ')}`;
}
