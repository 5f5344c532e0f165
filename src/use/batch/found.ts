/** Lights that a detector finds where no person has looked, as annotations of source MODEL with their colour and score. */
import type { EntityManager } from 'typeorm';
import type { NewAnnotation } from '../../catalog/annotation/annotationService.js';
import { writeObjects, type ObjectWrite } from '../../catalog/enrichment/objects.js';
import { idsOf, type Plan, type Step } from '../../catalog/enrichment/pages.js';
import { AnnotationSource, Category } from '../../catalog/vocabulary.js';
import type { BlobStore } from '../../platform/blobs.js';
import { TrainingError } from '../../training/error.js';
import { frameItem, type StoredModel } from '../../training/variants/storedModel.js';
import type { FoundLight } from '../predict/messages.js';
import { colorOf, storedLights, type ColorRow } from './stored.js';

const contentOf = (
  boxes: Pick<NewAnnotation, 'x' | 'y' | 'width' | 'height' | 'color' | 'score'>[],
): string =>
  JSON.stringify(
    boxes
      .map(({ x, y, width, height, color, score }) => [x, y, width, height, color, score].join(' '))
      .sort(),
  );

export function foundLights(
  { db, blobs, signal }: { db: Parameters<typeof storedLights>[0]; blobs: BlobStore; signal: AbortSignal },
  model: StoredModel,
  { minScore }: { minScore: number },
): Step<ColorRow, ObjectWrite> {
  const boxesOf = (imageUuid: string, detections: FoundLight[]): NewAnnotation[] =>
    detections
      .filter(({ score }) => score >= minScore)
      .map(({ label, score, ...box }) => ({
        ...{ ...box, imageUuid, category: Category.TRAFFIC_LIGHT, color: colorOf(model.classes[label]) },
        ...{ source: AnnotationSource.MODEL, score: Math.round(score * 1000) / 1000 },
      }));
  const planOf = async (row: ColorRow, stored: NewAnnotation[]): Promise<Plan<ObjectWrite>> => {
    if (row.counts_source === AnnotationSource.LABEL) return { row, outcome: 'SKIPPED', reason: 'LABELLED' };
    if (row.sha256 === null) return { row, outcome: 'SKIPPED', reason: 'NO_PICTURE' };
    if (!(await blobs.has(row.sha256))) return { row, outcome: 'SKIPPED', reason: 'PICTURE_MISSING' };
    try {
      const [frame] = await blobs.use(row.sha256, (path) =>
        model.ask<{ detections: FoundLight[] }>([frameItem(row.id, path)], { signal }),
      );
      const boxes = boxesOf(row.id, frame!.detections);
      const seen = row.counts_source === AnnotationSource.MODEL;
      if (seen && contentOf(boxes) === contentOf(stored)) return { row, outcome: 'UNCHANGED' };
      return { row, outcome: 'CHANGED', write: { id: row.id, boxes } };
    } catch (error) {
      if (!(error instanceof TrainingError) || error.code !== 'PICTURE_UNREADABLE') throw error;
      return { row, outcome: 'SKIPPED', reason: error.code, message: error.message };
    }
  };
  return {
    phase: 'PREDICTING',
    // Of a whole frame each: a batch that is cut off is done again.
    batch: 16,
    columns: 't.counts_source',
    async look(rows, onLooked) {
      const stored = await storedLights(db, idsOf(rows));
      const plans: Plan<ObjectWrite>[] = [];
      for (const row of rows) {
        signal.throwIfAborted();
        plans.push(await planOf(row, stored.get(row.id) ?? []));
        onLooked();
      }
      return plans;
    },
    // Cars and people that another model has found stay.
    write: (manager: EntityManager, writes) => writeObjects(manager, writes, Category.TRAFFIC_LIGHT),
  };
}
