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
  /** Missing: the model version's, or detection. */
  task?: string;
  /** Created if there is none of that name. */
  model?: string;
  /** PROJECT/MODEL@NUMBER, PROJECT/MODEL@ALIAS or an id. */
  modelVersion?: string;
  name?: string;
  lenient?: boolean;
  signal?: AbortSignal;
}

const FORMATS = ['coco', 'scalabel', 'jsonl'];
const SPLITS = ['train', 'validation', 'test'];
const TASKS = ['detection', 'state'];

const HELP = `
Detections (--task detection) in JSON lines, an image each; nothing found: an empty list:
  {"image": "a/1.png", "detections": [{"class": "RED", "score": 0.9, "x": 8, "y": 9, "width": 7, "height": 20}]}
States of lights (--task state) in JSON lines, a light each; every light of the split has one line:
  {"classes": ["GREEN", "RED", "YELLOW"]}
  {"image": "a/1.png", "light": 0, "scores": [0.02, 0.95, 0.03]}
light is its place among the boxes of its image, from 0. "box": [x, y, width, height] may stand for it,
"annotation_id" of a COCO export for image and light; {"RED": 0.95, …} or "class" and "score" for scores.`;

/** `shingo import-predictions FILE`, to be added to the program; sets the exit code. */
export function importPredictionsCommand(): Command {
  return new Command('import-predictions')
    .description('evaluate predictions that any framework has made on a data set version')
    .argument('<file>', 'the predictions: a file of the format, plain or as .gz, or an archive of such files')
    .requiredOption('--dataset <name>', 'PROJECT/DATASET')
    .addOption(new Option('--format <name>', 'of the file').choices(FORMATS).makeOptionMandatory())
    .option('--version <number>', 'of the data set, such as 1.2.0 (default: the newest)')
    .addOption(new Option('--split <name>', 'that they were made on').choices(SPLITS).default('test'))
    .addOption(
      new Option(
        '--task <name>',
        'what is predicted: boxes, or the state of given lights (default: that of the model version, or detection)',
      ).choices(TASKS),
    )
    .option('--model <name>', 'whose they are, created if absent (default: imported)')
    .option('--model-version <name>', 'of which version they are: PROJECT/MODEL@NUMBER, or its id')
    .option('--name <text>', "what they are called (default: the file's name)")
    .option('--lenient', 'keep unknown images and classes aside, and report them')
    .option('--url <address>', 'where the service is', process.env.SHINGO_URL ?? DEFAULT_URL)
    .option('--api-key <key>', 'key of the service (default: SHINGO_API_KEY)')
    .addHelpText('after', HELP)
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
  trainingKnown: boolean;
  evaluation: { id: string; task: string; cells: Figure[] };
}

const FIELDS = `images imagesWithout detections onUnlabelled onOtherSplits otherCategories onUnknownImages
  unknown { field value count position } trainingKnown evaluation { id task ${FIGURES} }`;

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
    const owner = await ownerOf(client, projectId, options);
    const uploadId = await send(client, projectId, file, progress);
    const { report } = await runTask<Report>(
      client,
      {
        ...{ projectId, start: 'importPredictions' },
        input: {
          ...{ datasetVersionId, ...owner, uploadId, lenient: options.lenient ?? false },
          ...{ split: options.split.toUpperCase(), format: options.format.toUpperCase() },
          name: options.name ?? path.basename(file),
        },
        report: { type: 'PredictionsReport', fields: FIELDS },
      },
      progress,
    );
    for (const notice of notices(report)) console.error(notice);
    const what = report.evaluation.task === 'LIGHT_STATE' ? 'light' : 'detection';
    console.log(`${plural(report.detections, what)} on ${plural(report.images, 'image')}`);
    console.log(figuresTable(report.evaluation.cells));
    console.log(`evaluation ${report.evaluation.id}`);
    return 0;
  } catch (error) {
    progress.stop();
    console.error(`import-predictions failed: ${describe(error)}`);
    return 1;
  }
}

/** Whose predictions they are, and of what task, where that is said. */
async function ownerOf(
  client: ShingoClient,
  projectId: string,
  { model, modelVersion, task }: PredictionsCommandOptions,
): Promise<object> {
  const named = modelVersion !== undefined && model === undefined;
  return {
    ...(task !== undefined && { task: `LIGHT_${task.toUpperCase()}` }),
    ...(modelVersion !== undefined && { modelVersionId: modelVersion }),
    ...(!named && { modelId: await ensureModel(client, projectId, model ?? 'imported') }),
  };
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
  const state = report.evaluation.task === 'LIGHT_STATE';
  const asides: [number, string][] = [
    [state ? 0 : report.imagesWithout, 'images of the split are not in the file: nothing was found on them'],
    [
      report.onUnlabelled,
      `${state ? 'answers' : 'detections'} are to what nobody has labelled: neither right nor wrong`,
    ],
    [report.onOtherSplits, 'predictions are on images of other splits: left aside'],
    [report.otherCategories, 'detections are no lights: left aside'],
    [report.onUnknownImages, 'predictions are on unknown images: left aside'],
  ];
  const unchecked = 'not checked: nobody has said what the model was trained on';
  return [
    ...(report.trainingKnown ? [] : [unchecked]),
    ...asides.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`),
    ...report.unknown.map(
      ({ field, value, count: n, position }) =>
        `kept aside: ${field} ${value}, ${plural(n, 'time')}, first at ${position}`,
    ),
  ];
}
