/** Predictions made elsewhere, evaluated by the very same path as those of our own trainer. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EntityManager } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { Findings, openFileSet, type Unknown } from '../../datasets/formats/read/index.js';
import { unpackLabels } from '../../datasets/import/unpack.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import { prepareEvaluation } from '../evaluate/prepare.js';
import { scopeOf, type Scope } from '../evaluate/scope.js';
import { storeEvaluation } from '../evaluate/store.js';
import { readPredictions, type PredictionFormat } from './read.js';
import { Stage, type StageCounts, type StagedImage } from './stage.js';
import {
  answeredLights,
  countAnswers,
  matchLights,
  requireAnswers,
  type AnsweredLight,
} from './stageLights.js';

export interface ImportPredictions {
  evaluationUuid: string;
  /** Of the uploaded file. */
  sha256: string;
  fileName: string;
  format: PredictionFormat;
  /** Unknown images and classes are kept aside and reported. */
  lenient: boolean;
  /** Of the model version, in the order of its scores. */
  classes: string[] | null;
  /** Whether its training split was looked at when the job was started. */
  trainingKnown: boolean;
}

export interface PredictionsReport {
  evaluationUuid: string;
  format: PredictionFormat;
  /** Of the split. */
  images: number;
  /** Of these, the file does not name: nothing was found on them, or there is no light on them. */
  imagesWithout: number;
  /** Or answers. */
  detections: number;
  onUnlabelled: number;
  onOtherSplits: number;
  otherCategories: number;
  onUnknownImages: number;
  unknown: Unknown[];
  trainingKnown: boolean;
}

const MAX_UNKNOWN = 1000;

/**
 * Reads the file, and matches what it says with the labels. Nothing is written before `settle`, which belongs into the
 * transaction that ends the job.
 * @throws ShingoError LABELS_INVALID, LABELS_UNKNOWN_VALUE, PREDICTIONS_ELSEWHERE, PREDICTIONS_INCOMPLETE,
 *   PREDICTIONS_INVALID, BLOB_MISSING, ARCHIVE_*
 */
export async function importPredictions(
  task: TaskContext,
  request: ImportPredictions,
): Promise<{ report: PredictionsReport; settle: (manager: EntityManager) => Promise<void> }> {
  const scope = await scopeOf(task.db, request.evaluationUuid);
  const input = await openFileSet(await unpackLabels(task, request));
  const findings = new Findings(request.lenient);
  let otherCategories = 0;
  const read = readPredictions(
    input,
    { task: scope.task, format: request.format },
    {
      findings,
      otherCategory: () => (otherCategories += 1),
      classes: request.classes,
    },
  );
  const file = join(task.folder, 'predictions.jsonl');
  const counts = await Stage.use(task.db, async (stage) => {
    await stage.addItems(scope);
    await stage.addPredictions(read, (count) => {
      task.signal.throwIfAborted();
      task.progress('READING', count, null);
    });
    await stage.refuseAmbiguous();
    await stage.resolve();
    await refuseUnknown(stage, findings);
    const [found, written] =
      scope.task === LearningTask.LIGHT_STATE
        ? await lightsOf(stage, scope, task)
        : await detectionsOf(stage, scope, task);
    await pipeline(Readable.from(written), createWriteStream(file), { signal: task.signal });
    return found;
  });
  task.progress('EVALUATING', 0, null);
  const prepared = await prepareEvaluation(task.db, scope.uuid, {
    ...{ file, folder: task.folder, signal: task.signal },
  });
  return {
    report: {
      ...{ evaluationUuid: scope.uuid, format: request.format, images: counts.splitImages },
      ...{ imagesWithout: counts.splitImages - counts.images, detections: counts.detections },
      ...{ onUnlabelled: counts.unlabelled, onOtherSplits: counts.otherSplits, otherCategories },
      ...{ onUnknownImages: counts.onUnknown, unknown: [...findings.unknown.values()] },
      trainingKnown: request.trainingKnown,
    },
    settle: async (manager) => void (await storeEvaluation(manager, prepared)),
  };
}

/** @throws ShingoError LABELS_UNKNOWN_VALUE, unless lenient */
async function refuseUnknown(stage: Stage, findings: Findings): Promise<void> {
  const unknown = await stage.unknownImages(MAX_UNKNOWN);
  const known = unknown.length > 0 ? await stage.someNames() : [];
  for (const { key, position } of unknown) findings.report(position, 'image', key, known);
}

type Work = Pick<TaskContext, 'progress'>;
type Staged = [counts: StageCounts, lines: AsyncGenerator<string>];

async function detectionsOf(stage: Stage, scope: Scope, task: Work): Promise<Staged> {
  const found = await stage.counts();
  refuseElsewhere(found, scope);
  const limit = scope.protocol.maxDetections.at(-1) ?? 1;
  const done = (images: number) => task.progress('MATCHING', images, found.splitImages);
  return [found, detectionLines(stage.images(limit), done)];
}

/** Every light of the split has one answer, or the job fails. */
async function lightsOf(stage: Stage, scope: Scope, task: Work): Promise<Staged> {
  await matchLights(stage, scope);
  const answers = await countAnswers(stage);
  const { lights, missing, images, unlabelled, otherSplits, onUnknown } = answers;
  const counts = await stage.counts();
  const found = { ...counts, images, unlabelled, otherSplits, onUnknown, detections: lights - missing };
  refuseElsewhere(found, scope);
  requireAnswers(answers, scope);
  const done = (count: number) => task.progress('MATCHING', count, lights);
  return [found, answerLines(answeredLights(stage), scope, done)];
}

/** All of it on images of other splits: that is another split's file. @throws ShingoError PREDICTIONS_ELSEWHERE */
function refuseElsewhere({ detections, otherSplits }: StageCounts, { split }: Scope): void {
  if (detections > 0 || otherSplits === 0) return;
  const message = `None of the ${otherSplits} predictions is on an image of the ${split} split; name the split that they were made on.`;
  throw new ShingoError('PREDICTIONS_ELSEWHERE', message, 409, ['split']);
}

async function* detectionLines(
  images: AsyncIterable<StagedImage>,
  done: (images: number) => void,
): AsyncGenerator<string> {
  let count = 0;
  for await (const { sha256, detections } of images) {
    const boxes = detections.map(([label, score, x, y, width, height]) => ({
      ...{ label, score, x, y, width, height },
    }));
    done((count += 1));
    yield `${JSON.stringify({ id: sha256, detections: boxes })}\n`;
  }
}

/** As a trainer says them; of the scores only that of the answer is kept. */
async function* answerLines(
  answers: AsyncIterable<AnsweredLight>,
  { classes }: Scope,
  done: (lights: number) => void,
): AsyncGenerator<string> {
  let count = 0;
  for await (const { sha256, light, color, label: predicted, score } of answers) {
    const scores = classes.map((_, label) => (label === predicted ? score : null));
    if ((count += 1) % 1000 === 0) done(count);
    yield `${JSON.stringify({ id: `${sha256}:${light}`, label: classes.indexOf(color), predicted, scores })}\n`;
  }
  done(count);
}
