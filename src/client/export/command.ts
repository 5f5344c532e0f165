import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import { ApiError, ShingoClient } from '../api.js';
import { DEFAULT_URL } from '../defaults.js';
import { download } from '../download.js';
import { describe } from '../errors.js';
import { runTask } from '../tasks.js';
import { findVersion } from '../versions.js';
import { bytes, count, plural } from '../terminal/format.js';
import { withInterrupt } from '../terminal/interrupt.js';
import { Progress } from '../terminal/progress.js';
import { renderTable } from '../terminal/table.js';

export interface ExportCommandOptions {
  url: string;
  apiKey?: string;
  format: string;
  /** MAJOR.MINOR.PATCH; default: the newest. */
  version?: string;
  pictures?: boolean;
  /** A file, or a folder that exists; default: the service's name for it, here. */
  out?: string;
  signal?: AbortSignal;
}

const FORMATS = ['scalabel', 'coco', 'yolo', 'parquet', 'croissant'];

/** `shingo export PROJECT/DATASET`, to be added to the program; sets the exit code. */
export function exportCommand(): Command {
  return new Command('export')
    .description('fetch a data set version as one zip file of labels, with the pictures if wanted')
    .argument('<dataset>', 'PROJECT/DATASET')
    .addOption(new Option('--format <name>', 'of the labels').choices(FORMATS).makeOptionMandatory())
    .option('--version <number>', 'such as 1.2.0 (default: the newest)')
    .option('--pictures', "the pictures' bytes too, not only their names")
    .option('--out <file>', 'where it goes (default: in this folder, named after the version)')
    .option('--url <address>', 'where the service is', process.env.SHINGO_URL ?? DEFAULT_URL)
    .option('--api-key <key>', 'key of the service (default: SHINGO_API_KEY)')
    .action(async (dataset: string, options: ExportCommandOptions) => {
      process.exitCode = await withInterrupt((signal) => runExport(dataset, { ...options, signal }));
    });
}

interface Report {
  version: string;
  images: number;
  boxes: number;
  pictures: number;
  picturesMissing: number;
  losses: { what: string; why: string; images: number; boxes: number }[];
}

/** Exports, fetches and reports on the terminal; returns the exit code. */
export async function runExport(dataset: string, options: ExportCommandOptions): Promise<number> {
  const progress = new Progress();
  try {
    await using client = new ShingoClient({
      url: options.url,
      apiKey: options.apiKey ?? process.env.SHINGO_API_KEY,
      signal: options.signal,
    });
    const { projectId, datasetVersionId } = await findVersion(client, dataset, options.version);
    const { report, files } = await runTask<Report>(
      client,
      {
        ...{ projectId, start: 'startExport' },
        input: {
          datasetVersionId,
          format: options.format.toUpperCase(),
          pictures: options.pictures ?? false,
        },
        report: {
          type: 'ExportReport',
          fields: 'version images boxes pictures picturesMissing losses { what why images boxes }',
        },
      },
      progress,
    );
    const [file] = files;
    if (!file) throw new ApiError('NOT_FOUND', 'the job has made no file');
    const target = path.resolve(process.env.INIT_CWD ?? '.', options.out ?? file.name);
    await rm(`${target}.part`, { force: true });
    await download(client, file, target);
    console.log(summary(dataset, report, target, file.bytes));
    return 0;
  } catch (error) {
    progress.stop();
    console.error(`export failed: ${describe(error)}`);
    return 1;
  }
}

function summary(dataset: string, report: Report, target: string, size: number): string {
  const { version, images, boxes, pictures, picturesMissing } = report;
  const parts = [plural(images, 'image'), plural(boxes, 'box', 'boxes')];
  if (pictures > 0) parts.push(plural(pictures, 'picture'));
  if (picturesMissing > 0) parts.push(`${count(picturesMissing)} without their picture`);
  const lost = report.losses.filter((loss) => loss.images + loss.boxes > 0);
  const table = renderTable({
    head: ['not in this format', 'images', 'boxes', 'why'],
    rows: lost.map(({ what, images: i, boxes: b, why }) => [what, count(i), count(b), why]),
    align: ['left', 'right', 'right', 'left'],
  });
  return [
    `${dataset} ${version}: ${parts.join(', ')}\n${target} (${bytes(size)})`,
    ...(lost.length > 0 ? [table] : []),
  ].join('\n');
}
