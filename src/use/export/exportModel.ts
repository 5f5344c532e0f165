/**
 * A model in the forms in which it leaves, each run on pictures that it has not learnt from and compared with what was
 * evaluated. All of them pass, or nothing is published.
 */
import { join } from 'node:path';
import { LearningTask, type Split } from '../../catalog/vocabulary.js';
import { protocolFor } from '../../experiments/protocol/protocolService.js';
import { restoreFiles } from '../../jobs/worker/files.js';
import { packFiles } from '../../platform/archive/pack.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext, TaskFile } from '../../platform/task.js';
import type { TaskName } from '../../training/protocol.js';
import { verdictOf, type DriftBound, type DriftVerdict } from '../../training/variants/drift.js';
import { classesOfModel, modelSource, type ModelSource } from '../modelSource.js';
import { cardOf, readmeOf, type CardAbout } from './card.js';
import type { Compare, ModelExportRequest, VariantDrift } from './compare.js';
import { compareFrames } from './compareFrames.js';
import { compareLights } from './compareLights.js';
import type { EvaluationDrift } from './evaluated.js';

export type { ModelExportRequest } from './compare.js';

export interface VariantReport extends VariantDrift {
  verdict: DriftVerdict;
}

export interface ModelExportReport {
  experimentUuid: string;
  datasetVersionUuid: string;
  dataId: string;
  task: TaskName;
  split: Split;
  seed: number;
  /** Lights, or frames. */
  samples: number;
  engine: string;
  /** That the bound is of. */
  protocolUuid: string;
  bound: DriftBound;
  variants: VariantReport[];
  evaluation: EvaluationDrift | null;
}

export const MOST_SAMPLES = 10_000;

/** @throws ShingoError BAD_USER_INPUT */
export function checkModelExport({
  variants,
  sample,
  bound,
  seed,
}: Pick<ModelExportRequest, 'variants' | 'sample' | 'bound' | 'seed'>): void {
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
  const { experimentUuid, protocolUuid, split, seed, bound } = request;
  const source = await modelSource(task.db, experimentUuid);
  const versionUuid = request.versionUuid ?? source.experiment.datasetVersionUuid;
  const about = await describe(task, source, versionUuid);
  const protocol = await protocolFor(task.db, source.experiment.projectUuid, source.task, protocolUuid);
  const stored = join(task.folder, 'stored');
  await restoreFiles(task.blobs, source.files, stored);
  const classes = await classesOfModel(stored);
  const compare = COMPARE[source.task];
  const compared = await compare(task, { ...request, versionUuid, protocol, classes, stored });
  const report: ModelExportReport = {
    ...{ experimentUuid, datasetVersionUuid: versionUuid, dataId: about.dataId, task: source.task },
    ...{ split, seed, samples: compared.samples, protocolUuid, bound, engine: compared.engine },
    variants: compared.variants.map((one) => ({ ...one, verdict: verdictOf(one.drift, bound) })),
    evaluation: compared.evaluation,
  };
  refuseDrift(report);
  const { dataset, version } = about;
  const card = { experiment: source.experiment.name, classes, dataset, version };
  return { report, files: [await pack(task, report, card)] };
}

const COMPARE: Record<LearningTask, Compare> = {
  [LearningTask.LIGHT_STATE]: compareLights,
  [LearningTask.LIGHT_DETECTION]: compareFrames,
};

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/** @throws ShingoError EXPORT_DRIFT, EXPORT_UNPROVEN */
function refuseDrift({ variants, evaluation, bound, split, task }: ModelExportReport): void {
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
        `and ${task === 'LIGHT_STATE' ? 'accuracy' : 'recall'} by ${percent(accuracyDifference)}: more than the bound. Nothing was published; leave this variant out, or raise the bound of the protocol.`,
      409,
    );
  }
  const unproven = variants.find(({ verdict }) => verdict === 'INSUFFICIENT_DATA');
  if (!unproven) return;
  const { changed, n, changedUpper } = unproven.drift;
  throw new ShingoError(
    'EXPORT_UNPROVEN',
    `${changed} of ${n} decisions changed shows no more than that at most ${percent(changedUpper)} do, and the bound is ${percent(bound.maxChangedShare)}. ` +
      `Take a larger sample (the ${split} split may have no more), or raise maxChangedShare of the protocol.`,
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
