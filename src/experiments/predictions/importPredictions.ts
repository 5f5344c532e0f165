/** Predictions made elsewhere, evaluated by the very same path as those of our own trainer. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EntityManager } from 'typeorm';
import { Findings, openFileSet, type Unknown } from '../../datasets/formats/read/index.js';
import { unpackLabels } from '../../datasets/import/unpack.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import { prepareEvaluation } from '../evaluate/prepare.js';
import { scopeOf, type Scope } from '../evaluate/scope.js';
import { storeEvaluation } from '../evaluate/store.js';
import { readPredictions, type PredictionFormat } from './read.js';
import { Stage, type StageCounts, type StagedImage } from './stage.js';

export interface ImportPredictions {
  evaluationUuid: string;
  /** Of the uploaded file. */
  sha256: string;
  fileName: string;
  format: PredictionFormat;
  /** Unknown images and classes are kept aside and reported. */
  lenient: boolean;
}

export interface PredictionsReport {
  evaluationUuid: string;
  format: PredictionFormat;
  /** Of the split. */
  images: number;
  /** Of these, the file does not name: nothing was found on them. */
  imagesWithout: number;
  detections: number;
  onUnlabelled: number;
  onOtherSplits: number;
  otherCategories: number;
  onUnknownImages: number;
  unknown: Unknown[];
}

const MAX_UNKNOWN = 1000;

/**
 * Reads the file, and matches what it says with the labels. Nothing is written before `settle`, which belongs into the
 * transaction that ends the job.
 * @throws ShingoError LABELS_INVALID, LABELS_UNKNOWN_VALUE, PREDICTIONS_ELSEWHERE, PREDICTIONS_INVALID, BLOB_MISSING, ARCHIVE_*
 */
export async function importPredictions(
  task: TaskContext,
  request: ImportPredictions,
): Promise<{ report: PredictionsReport; settle: (manager: EntityManager) => Promise<void> }> {
  const scope = await scopeOf(task.db, request.evaluationUuid);
  const input = await openFileSet(await unpackLabels(task, request));
  const findings = new Findings(request.lenient);
  let otherCategories = 0;
  const read = readPredictions(input, request.format, {
    findings,
    otherCategory: () => (otherCategories += 1),
  });
  const file = join(task.folder, 'detections.jsonl');
  const counts = await Stage.use(task.db, async (stage) => {
    await stage.addItems(scope);
    await stage.addPredictions(read, (count) => {
      task.signal.throwIfAborted();
      task.progress('READING', count, null);
    });
    await stage.resolve();
    await refuseUnknown(stage, findings);
    const found = await stage.counts();
    refuseElsewhere(found, scope);
    const limit = scope.protocol.maxDetections.at(-1) ?? 1;
    const done = (images: number) => task.progress('MATCHING', images, found.splitImages);
    await pipeline(Readable.from(detectionLines(stage.images(limit), done)), createWriteStream(file), {
      signal: task.signal,
    });
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

/** All of it on images of other splits: that is another split's file. @throws ShingoError PREDICTIONS_ELSEWHERE */
function refuseElsewhere({ detections, otherSplits }: StageCounts, { split }: Scope): void {
  if (detections > 0 || otherSplits === 0) return;
  const message = `None of the ${otherSplits} detections is on an image of the ${split} split; name the split that they were made on.`;
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
