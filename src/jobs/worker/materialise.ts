/** Writes what a trainer reads: the samples, the model or checkpoint, and the spec that names them. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { Split } from '../../catalog/vocabulary.js';
import { Evaluation } from '../../experiments/evaluation.js';
import { Artifact } from '../../experiments/artifact.js';
import { Experiment } from '../../experiments/experiment.js';
import { selectParameters } from '../../experiments/experimentService.js';
import { unflatten, type StoredValue } from '../../experiments/storedParameters.js';
import { selectByKey, selectOne } from '../../graphql/select.js';
import type { BlobStore } from '../../platform/blobs.js';
import { ShingoError } from '../../platform/error.js';
import { trainingParametersSchema, type Spec, type TrainingParameters } from '../../training/protocol.js';
import { experimentOf, type Job } from '../job.js';
import { classesOf, conditionNames, countLights } from '../lights.js';
import { JobKind, Weights } from '../vocabulary.js';
import { restoreFiles, type StoredFiles } from './files.js';
import { writeItems } from './items.js';

export interface Inputs {
  specFile: string;
  /** Everything that the trainer writes is below it. */
  outputDir: string;
  samples: number;
}

interface Sources {
  db: DataSource;
  blobs: BlobStore;
}

/** @param folder of this attempt alone @throws ShingoError if the job cannot be run by anyone */
export async function materialise(
  sources: Sources,
  job: Job,
  folder: string,
  workerEngine: Spec['engine'],
  decodedCache?: Spec['decodedCache'],
): Promise<Inputs> {
  await rm(folder, { recursive: true, force: true });
  const outputDir = join(folder, 'output');
  await mkdir(outputDir, { recursive: true });
  const { spec, samples } = await specOf(sources, job, folder, outputDir, workerEngine);
  const specFile = join(folder, 'spec.json');
  await writeFile(specFile, JSON.stringify({ ...spec, decodedCache }));
  return { specFile, outputDir, samples };
}

async function specOf(
  { db, blobs }: Sources,
  job: Job,
  folder: string,
  outputDir: string,
  workerEngine: Spec['engine'],
): Promise<{ spec: Spec; samples: number }> {
  const experiment = await selectOne(db, Experiment, experimentOf(job));
  if (!experiment) throw new ShingoError('NOT_FOUND', 'The experiment of this job is gone.');
  const trainedOn = experiment.datasetVersionUuid;
  if (!trainedOn) throw new ShingoError('EXPERIMENT_NOT_TRAINED', 'This experiment was trained elsewhere.');
  const parameters = await parametersOf(db, experiment.uuid);
  const classes = classesOf(await countLights(db, trainedOn));
  const samplesFile = join(folder, 'samples.jsonl');
  const { engine, checkpoint, pauseAfter } = await privateColumns(db, job, workerEngine);
  if (job.kind === JobKind.TRAINING) {
    const { task } = experiment;
    const versionUuid = trainedOn;
    const conditions = await conditionNames(db, versionUuid);
    const splits = [Split.TRAIN, Split.VALIDATION];
    const samples = await writeItems({ db, blobs }, { task, versionUuid, splits, classes }, samplesFile);
    const resumeFrom = checkpoint && join(folder, 'resume');
    if (checkpoint && resumeFrom) await restoreFiles(blobs, checkpoint.files, resumeFrom);
    const startFrom = experiment.parentUuid && join(folder, 'start');
    if (experiment.parentUuid && startFrom)
      await restoreFiles(blobs, await modelFiles(db, experiment.parentUuid, Weights.BEST), startFrom);
    const from = { resumeFrom, startFrom, ...(pauseAfter !== null && { pauseAfter }) };
    return {
      spec: { kind: 'TRAINING', engine, samplesFile, classes, conditions, outputDir, parameters, ...from },
      samples,
    };
  }
  const evaluation = await selectOne(db, Evaluation, job.evaluationUuid ?? '');
  if (!evaluation) throw new ShingoError('NOT_FOUND', 'The evaluation of this job is gone.');
  const { task, datasetVersionUuid: versionUuid } = evaluation;
  const conditions = await conditionNames(db, versionUuid);
  const wanted = { task, versionUuid, splits: [evaluation.split], classes: evaluation.classes };
  const samples = await writeItems({ db, blobs }, wanted, samplesFile);
  const modelDir = join(folder, 'model');
  await restoreFiles(
    blobs,
    await modelFiles(db, experiment.uuid, evaluation.weights ?? Weights.BEST),
    modelDir,
  );
  const { batchSize } = parameters;
  return {
    spec: {
      kind: 'EVALUATION',
      task,
      engine,
      samplesFile,
      classes: evaluation.classes,
      conditions,
      outputDir,
      modelDir,
      batchSize,
    },
    samples,
  };
}

/** Columns that the API does not show. */
async function privateColumns(db: DataSource, job: Job, workerEngine: Spec['engine']) {
  const rows: {
    requested_engine: Spec['engine'];
    checkpoint: { files: StoredFiles; epoch: number } | null;
    pause_epoch: number | null;
  }[] = await db.query(
    '/* job.private */ SELECT requested_engine, checkpoint, pause_epoch FROM job WHERE id = $1',
    [job.uuid],
  );
  const requested = rows[0]?.requested_engine ?? 'auto';
  return {
    engine: requested === 'auto' ? workerEngine : requested,
    checkpoint: rows[0]?.checkpoint ?? null,
    pauseAfter: rows[0]?.pause_epoch ?? null,
  };
}

async function parametersOf(db: DataSource, experimentUuid: string): Promise<TrainingParameters> {
  const [rows] = await selectParameters(db, [experimentUuid]);
  const values = (rows ?? []).map(({ name, number, text, boolean }): [string, StoredValue] => [
    name,
    number ?? text ?? boolean,
  ]);
  return trainingParametersSchema.parse(unflatten(values));
}

const KIND: Record<Weights, string> = {
  [Weights.BEST]: 'MODEL',
  [Weights.LAST]: 'LAST_MODEL',
  [Weights.INITIAL]: 'INITIAL_MODEL',
};

export async function modelFiles(
  db: DataSource,
  experimentUuid: string,
  weights: Weights,
): Promise<StoredFiles> {
  const kind = KIND[weights];
  const artifacts =
    (await selectByKey(db, Artifact, 'experiment_id', [experimentUuid])).get(experimentUuid) ?? [];
  const files = artifacts.filter((artifact) => artifact.kind === kind);
  if (files.length === 0)
    throw new ShingoError('WEIGHTS_MISSING', `The experiment has no ${weights} weights.`);
  return Object.fromEntries(files.map(({ path, sha256 }) => [path.slice(path.indexOf('/') + 1), sha256]));
}
