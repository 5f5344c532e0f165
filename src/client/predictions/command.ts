import path from 'node:path';
import { Command, Option } from 'commander';
import { ShingoClient } from '../api.js';
import { DEFAULT_URL } from '../defaults.js';
import { describe } from '../errors.js';
import { runTask } from '../tasks.js';
import { count, plural } from '../terminal/format.js';
import { withInterrupt } from '../terminal/interrupt.js';
import { Pace, Progress } from '../terminal/progress.js';
import { uploadFile } from '../uploadFile.js';
import { findVersion } from '../versions.js';
import { figuresTable, FIGURES, type Figure } from './figures.js';
import { ensureModel } from './model.js';

export interface PredictionsCommandOptions {
  url: string;
  apiKey?: string;
  /** PROJECT/DATASET. */
  dataset: string;
  version?: string;
  split: string;
  format: string;
  /** Created if there is none of that name. */
  model: string;
  name?: string;
  lenient?: boolean;
  signal?: AbortSignal;
}

const FORMATS = ['coco', 'scalabel', 'jsonl'];
const SPLITS = ['train', 'validation', 'test'];

/** `shingo import-predictions FILE`, to be added to the program; sets the exit code. */
export function importPredictionsCommand(): Command {
  return new Command('import-predictions')
    .description('evaluate detections that any framework has made on a data set version')
    .argument('<file>', 'the detections: a file of the format, plain or as .gz, or an archive of such files')
    .requiredOption('--dataset <name>', 'PROJECT/DATASET')
    .addOption(new Option('--format <name>', 'of the file').choices(FORMATS).makeOptionMandatory())
    .option('--version <number>', 'of the data set, such as 1.2.0 (default: the newest)')
    .addOption(new Option('--split <name>', 'that they were made on').choices(SPLITS).default('test'))
    .option('--model <name>', 'whose they are, created if absent', 'imported')
    .option('--name <text>', "what they are called (default: the file's name)")
    .option('--lenient', 'keep unknown images and classes aside, and report them')
    .option('--url <address>', 'where the service is', process.env.SHINGO_URL ?? DEFAULT_URL)
    .option('--api-key <key>', 'key of the service (default: SHINGO_API_KEY)')
    .action(async (file: string, options: PredictionsCommandOptions) => {
      process.exitCode = await withInterrupt((signal) => runImportPredictions(file, { ...options, signal }));
    });
}

interface Report {
  images: number;
  imagesWithout: number;
  detections: number;
  onUnlabelled: number;
  onOtherSplits: number;
  otherCategories: number;
  onUnknownImages: number;
  unknown: { field: string; value: string; count: number; position: string }[];
  evaluation: { id: string; cells: Figure[] };
}

const FIELDS = `images imagesWithout detections onUnlabelled onOtherSplits otherCategories onUnknownImages
  unknown { field value count position } evaluation { id ${FIGURES} }`;

/** Sends the file, waits for the figures and prints them; returns the exit code. */
export async function runImportPredictions(
  file: string,
  options: PredictionsCommandOptions,
): Promise<number> {
  const progress = new Progress();
  try {
    await using client = new ShingoClient({
      url: options.url,
      apiKey: options.apiKey ?? process.env.SHINGO_API_KEY,
      signal: options.signal,
    });
    const { projectId, datasetVersionId } = await findVersion(client, options.dataset, options.version);
    const modelId = await ensureModel(client, projectId, options.model);
    const uploadId = await send(client, projectId, file, progress);
    const { report } = await runTask<Report>(
      client,
      {
        ...{ projectId, start: 'importPredictions' },
        input: {
          ...{ datasetVersionId, modelId, uploadId, lenient: options.lenient ?? false },
          ...{ split: options.split.toUpperCase(), format: options.format.toUpperCase() },
          name: options.name ?? path.basename(file),
        },
        report: { type: 'PredictionsReport', fields: FIELDS },
      },
      progress,
    );
    for (const notice of notices(report)) console.error(notice);
    console.log(`${plural(report.detections, 'detection')} on ${plural(report.images, 'image')}`);
    console.log(figuresTable(report.evaluation.cells));
    console.log(`evaluation ${report.evaluation.id}`);
    return 0;
  } catch (error) {
    progress.stop();
    console.error(`import-predictions failed: ${describe(error)}`);
    return 1;
  }
}

async function send(
  client: ShingoClient,
  projectId: string,
  file: string,
  progress: Progress,
): Promise<string> {
  const pace = new Pace();
  const upload = await uploadFile(client, {
    ...{ projectId, path: path.resolve(process.env.INIT_CWD ?? '.', file) },
    mediaType: 'application/octet-stream',
    onProgress: (sent, of) =>
      progress.update({ label: 'upload', done: sent, total: of, unit: 'B', ...pace.measure(sent, of) }),
  });
  progress.stop();
  return upload.id;
}

function notices(report: Report): string[] {
  const asides: [number, string][] = [
    [report.imagesWithout, 'images of the split are not in the file: nothing was found on them'],
    [report.onUnlabelled, 'detections are on images that nobody has labelled: neither right nor wrong'],
    [report.onOtherSplits, 'detections are on images of other splits: left aside'],
    [report.otherCategories, 'detections are no lights: left aside'],
    [report.onUnknownImages, 'detections are on unknown images: left aside'],
  ];
  return [
    ...asides.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`),
    ...report.unknown.map(
      ({ field, value, count: n, position }) =>
        `kept aside: ${field} ${value}, ${plural(n, 'time')}, first at ${position}`,
    ),
  ];
}
