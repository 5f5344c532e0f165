/**
 * A model in the forms in which it leaves, each run on pictures that it has not learnt from and compared with what was
 * evaluated. All of them pass, or nothing is published.
 */
import { join } from 'node:path';
import { Split } from '../../catalog/vocabulary.js';
import { restoreFiles } from '../../jobs/worker/files.js';
import { packFiles } from '../../platform/archive/pack.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext, TaskFile } from '../../platform/task.js';
import type { EngineName, TaskName } from '../../training/protocol.js';
import {
  lightDrift,
  verdictOf,
  type Drift,
  type DriftBound,
  type DriftVerdict,
  type LightAnswer,
} from '../../training/variants/drift.js';
import type { Variant } from '../../training/variants/names.js';
import { classesOfModel, modelSource, type ModelSource } from '../modelSource.js';
import { cardOf, readmeOf, type CardAbout } from './card.js';
import { evaluationDrift, type EvaluationDrift } from './evaluated.js';
import { writeLightSample } from './sample.js';

export interface ModelExportRequest {
  experimentUuid: string;
  /** Missing: the one that it was trained on. */
  versionUuid: string | null;
  split: Split;
  variants: Variant[];
  sample: number;
  seed: number;
  bound: DriftBound;
  engine?: EngineName | 'auto';
}

export interface VariantReport {
  variant: Variant;
  weightBytes: number;
  drift: Drift;
  verdict: DriftVerdict;
}

export interface ModelExportReport {
  experimentUuid: string;
  datasetVersionUuid: string;
  dataId: string;
  task: TaskName;
  split: Split;
  seed: number;
  engine: string;
  bound: DriftBound;
  variants: VariantReport[];
  evaluation: EvaluationDrift | null;
}

export const MOST_SAMPLES = 10_000;

/** @throws ShingoError TASK_UNSUPPORTED */
export function checkTask(task: TaskName): void {
  if (task === 'LIGHT_STATE') return;
  const message =
    'A detector cannot be exported and compared yet; its files are among the artifacts of its experiment.';
  throw new ShingoError('TASK_UNSUPPORTED', message, 409, ['experimentId']);
}

/** @throws ShingoError BAD_USER_INPUT */
export function checkModelExport({
  variants,
  sample,
  bound,
  seed,
}: Omit<ModelExportRequest, 'experimentUuid'>): void {
  const bad = (message: string, field: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  if (variants.length === 0 || new Set(variants).size < variants.length)
    throw bad('variants are one or more different ones.', 'variants');
  if (!(sample >= 1 && sample <= MOST_SAMPLES)) throw bad(`sample is 1 to ${MOST_SAMPLES}.`, 'sample');
  if (seed < 0) throw bad('seed is 0 or more.', 'seed');
  if (!(bound.maxChangedShare >= 0 && bound.maxChangedShare <= 1))
    throw bad('maxChangedShare is a share, 0 to 1.', 'maxChangedShare');
  const { maxScoreDifference: most } = bound;
  if (most !== null && !(most >= 0 && most <= 1))
    throw bad('maxScoreDifference is 0 to 1.', 'maxScoreDifference');
}

/**
 * TensorFlow.js computes in this very process: whoever calls this is a process of its own, as jobs are.
 * @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_TRAINED, WEIGHTS_MISSING, SPLIT_EMPTY, EXPORT_DRIFT, EXPORT_UNPROVEN;
 *   TrainingError
 */
export async function exportModel(
  task: TaskContext,
  request: ModelExportRequest,
): Promise<{ report: ModelExportReport; files: TaskFile[] }> {
  checkModelExport(request);
  const source = await modelSource(task.db, request.experimentUuid);
  checkTask(source.task);
  const versionUuid = request.versionUuid ?? source.experiment.datasetVersionUuid;
  const about = await describe(task, source, versionUuid);
  const stored = join(task.folder, 'stored');
  await restoreFiles(task.blobs, source.files, stored);
  const classes = await classesOfModel(stored);
  const samplesFile = join(task.folder, 'samples.jsonl');
  const { split, seed, bound } = request;
  const samples = await writeLightSample(
    task,
    { versionUuid, split, classes, seed, size: request.sample },
    samplesFile,
  );
  if (samples === 0)
    throw new ShingoError('SPLIT_EMPTY', `The ${split} split has no light of the model's classes.`, 409, [
      'split',
    ]);
  const compared = await compare(task, request, source, { stored, samplesFile, samples });
  const report: ModelExportReport = {
    ...{ experimentUuid: request.experimentUuid, datasetVersionUuid: versionUuid, dataId: about.dataId },
    ...{ task: source.task, split, seed, bound, engine: compared.engine, variants: compared.variants },
    evaluation: await evaluationDrift(
      task.db,
      request.experimentUuid,
      { versionUuid, split },
      compared.reference,
    ),
  };
  refuseDrift(report);
  const card = {
    experiment: source.experiment.name,
    classes,
    dataset: about.dataset,
    version: about.version,
  };
  return { report, files: [await pack(task, report, card)] };
}

/** Each form is read back from its files and asked about the same lights. */
async function compare(
  { folder, signal, progress }: TaskContext,
  { variants, bound, engine = 'wasm' }: ModelExportRequest,
  { task }: ModelSource,
  { stored, samplesFile, samples }: { stored: string; samplesFile: string; samples: number },
) {
  // Not before it is needed: TensorFlow.js has no place in the API, which knows exports by name only.
  const { startEngine } = await import('../../training/engines/index.js');
  const { StoredModel } = await import('../../training/variants/storedModel.js');
  const { writeVariant } = await import('../../training/variants/variants.js');
  const started = await startEngine(engine);
  try {
    const total = samples * (variants.length + 1);
    let done = 0;
    const ask = async (modelDir: string) => {
      const onProgress = (items: number) => progress('COMPARING', done + items, total);
      const model = await StoredModel.load(task, modelDir);
      try {
        const items = await model.readItems(samplesFile);
        return await model.ask<LightAnswer>(items, { signal, onProgress });
      } finally {
        model.dispose();
        done += samples;
      }
    };
    const reference = await ask(stored);
    const reports: VariantReport[] = [];
    for (const variant of variants) {
      const target = join(folder, variant);
      const weightBytes = await writeVariant(stored, target, variant);
      const drift = lightDrift(reference, await ask(target));
      reports.push({ variant, weightBytes, drift, verdict: verdictOf(drift, bound) });
    }
    return { engine: started.name, reference, variants: reports };
  } finally {
    await started.release();
  }
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/** @throws ShingoError EXPORT_DRIFT, EXPORT_UNPROVEN */
function refuseDrift({ variants, evaluation, bound, split }: ModelExportReport): void {
  if (evaluation && evaluation.changedShare > bound.maxChangedShare)
    throw new ShingoError(
      'EXPORT_DRIFT',
      `The stored model decides ${evaluation.changed} of ${evaluation.n} lights otherwise than its evaluation says: evaluate it anew, on this engine.`,
      409,
    );
  const drifted = variants.find(({ verdict }) => verdict === 'DRIFT');
  if (drifted) {
    const { changed, n, changedUpper, maxScoreDifference, accuracyDifference } = drifted.drift;
    throw new ShingoError(
      'EXPORT_DRIFT',
      `${drifted.variant} changes ${changed} of ${n} decisions (at most ${percent(changedUpper)}), a score by ${maxScoreDifference ?? 'what is no number'} ` +
        `and accuracy by ${percent(accuracyDifference)}: more than the bound of the request. Nothing was published; leave this variant out or raise the bound.`,
      409,
    );
  }
  const unproven = variants.find(({ verdict }) => verdict === 'INSUFFICIENT_DATA');
  if (!unproven) return;
  const { changed, n, changedUpper } = unproven.drift;
  throw new ShingoError(
    'EXPORT_UNPROVEN',
    `${changed} of ${n} decisions changed shows no more than that at most ${percent(changedUpper)} do, and the bound is ${percent(bound.maxChangedShare)}. ` +
      `Take a larger sample (the ${split} split may have no more), or raise maxChangedShare.`,
    409,
  );
}

async function describe({ db }: TaskContext, { experiment }: ModelSource, versionUuid: string) {
  const [row]: { project_id: string; dataset: string; version: string; dataId: string }[] = await db.query(
    `/* modelExport.version */ SELECT d.project_id, d.name AS dataset, v.data_id AS "dataId",
       concat_ws('.', v.major, v.minor, v.patch) AS version
     FROM dataset_version v JOIN dataset d ON d.id = v.dataset_id WHERE v.id = $1`,
    [versionUuid],
  );
  if (row?.project_id === experiment.projectUuid) return row;
  throw new ShingoError('NOT_FOUND', 'The project has no such data set version.', 404, ['datasetVersionId']);
}

const MODEL_FILES = ['model.json', 'weights.bin', 'classes.json', 'preprocessing.json'];

async function pack(task: TaskContext, report: ModelExportReport, about: CardAbout): Promise<TaskFile> {
  const files = new Map<string, { path: string } | { content: string }>([
    ['README.md', { content: readmeOf(report, about) }],
    ['card.json', { content: cardOf(report, about) }],
  ]);
  for (const { variant } of report.variants)
    for (const name of MODEL_FILES)
      files.set(`${variant.toLowerCase()}/${name}`, { path: join(task.folder, variant, name) });
  const path = join(task.folder, 'model.zip');
  await packFiles(files, path, task.signal);
  const name = about.experiment.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 100) || 'model';
  return { name: `${name}.zip`, mediaType: 'application/zip', path };
}
