/** OBJECTS: what a pretrained detector sees, where no person has looked. See docs/enrichment.md for what it misses. */
import type { DataSource, EntityManager } from 'typeorm';
import type { BlobStore } from '../../platform/blobs.js';
import type { CocoName, Detection } from '../../training/detector/detector.js';
import { TrainingError } from '../../training/error.js';
import type { EngineName } from '../../training/protocol.js';
import { insertAnnotations, type NewAnnotation } from '../annotation/annotationService.js';
import { AnnotationSource, Category } from '../vocabulary.js';
import { idsOf, lockImages, type Plan, type Row, type Step } from './pages.js';
import { skipOf } from './pixels.js';

const CATEGORY: Record<CocoName, Category> = {
  person: Category.PERSON,
  bicycle: Category.BICYCLE,
  car: Category.CAR,
  motorcycle: Category.MOTORCYCLE,
  bus: Category.BUS,
  train: Category.TRAIN,
  truck: Category.TRUCK,
  'traffic light': Category.TRAFFIC_LIGHT,
};

export interface ObjectOptions {
  minScore?: number;
  tiles?: boolean;
  /** Look again where a model has looked already, and replace what it found. */
  again?: boolean;
  engine?: EngineName | 'auto';
}

interface ObjectRow extends Row {
  counts_source: AnnotationSource | null;
}

export interface ObjectWrite {
  id: string;
  boxes: NewAnnotation[];
}

const boxesOf = (imageUuid: string, detections: Detection[]): NewAnnotation[] =>
  detections.map(({ name, ...box }) => ({
    ...box,
    imageUuid,
    category: CATEGORY[name],
    source: AnnotationSource.MODEL,
  }));

const contentOf = (boxes: NewAnnotation[]): string =>
  JSON.stringify(
    boxes
      .map(({ category, x, y, width, height, score }) => `${category} ${x} ${y} ${width} ${height} ${score}`)
      .sort(),
  );

/** What a model has found in these images before. */
async function storedBoxes(db: DataSource, ids: string[]): Promise<Map<string, NewAnnotation[]>> {
  if (ids.length === 0) return new Map();
  const rows: NewAnnotation[] = await db.query(
    `/* enrichment.stored */ SELECT image_id AS "imageUuid", category, x, y, width, height, score FROM annotation
     WHERE image_id = ANY($1) AND source = 'MODEL'`,
    [ids],
  );
  return Map.groupBy(rows, ({ imageUuid }) => imageUuid);
}

/**
 * An image that a person has labelled since it was looked at is left alone.
 * @param only replaces what a model has found of this category; null: of all
 */
export async function writeObjects(
  manager: EntityManager,
  writes: ObjectWrite[],
  only: Category | null = null,
): Promise<string[]> {
  await lockImages(manager, idsOf(writes));
  const open: { id: string }[] = await manager.query(
    `/* enrichment.unlabelled */ SELECT id FROM image WHERE id = ANY($1) AND counts_source IS DISTINCT FROM 'LABEL'`,
    [idsOf(writes)],
  );
  const ids = idsOf(open);
  await manager.query(
    `/* enrichment.removeObjects */ DELETE FROM annotation WHERE image_id = ANY($1) AND source = 'MODEL'
       AND ($2::text IS NULL OR category = $2)`,
    [ids, only],
  );
  // Looked at, also where nothing was found; the trigger on annotations adds to it.
  await manager.query(
    `/* enrichment.looked */ UPDATE image SET people = 0, cars = 0, bicycles = 0, buses = 0, traffic_lights = 0,
       counts_source = 'MODEL' WHERE id = ANY($1) AND counts_source IS NULL`,
    [ids],
  );
  const wanted = new Set(ids);
  await insertAnnotations(
    manager,
    writes.flatMap(({ id, boxes }) => (wanted.has(id) ? boxes : [])),
  );
  return ids;
}

/**
 * The network computes in this very process, about 150 ms at a time in which nothing else runs: whoever calls this is a
 * process of its own, as jobs are, and not the API.
 * @throws TrainingError ENGINE_UNAVAILABLE, MODEL_INVALID
 */
export async function objects(
  { db, blobs, signal }: { db: DataSource; blobs: BlobStore; signal: AbortSignal },
  { minScore, tiles, again = false, engine = 'wasm' }: ObjectOptions,
): Promise<Step<ObjectRow, ObjectWrite> & { release(): Promise<void> }> {
  // Not before it is needed: TensorFlow.js has no place in the API, which knows enrichment by name only.
  const { startEngine } = await import('../../training/engines/index.js');
  const { loadDetector } = await import('../../training/detector/detector.js');
  const started = await startEngine(engine);
  const detector = await loadDetector();
  const planOf = async (row: ObjectRow, stored: NewAnnotation[] | undefined): Promise<Plan<ObjectWrite>> => {
    const skip = (reason: 'LABELLED' | 'NO_PICTURE') => ({ row, outcome: 'SKIPPED' as const, reason });
    if (row.counts_source === AnnotationSource.LABEL) return skip('LABELLED');
    if (row.sha256 === null) return skip('NO_PICTURE');
    const seen = row.counts_source === AnnotationSource.MODEL;
    if (seen && !again) return { row, outcome: 'UNCHANGED' };
    try {
      const detect = (path: string) => detector.detect(path, { minScore, tiles });
      const boxes = boxesOf(row.id, await blobs.use(row.sha256, detect));
      if (seen && contentOf(boxes) === contentOf(stored ?? [])) return { row, outcome: 'UNCHANGED' };
      return { row, outcome: 'CHANGED', write: { id: row.id, boxes } };
    } catch (error) {
      if (!(error instanceof TrainingError) || error.code !== 'PICTURE_UNREADABLE')
        return { row, ...skipOf(error) };
      return { row, outcome: 'SKIPPED', reason: error.code, message: error.message };
    }
  };
  return {
    phase: 'DETECTING',
    // Of 0.75 s each: a batch that is cut off is done again.
    batch: 8,
    columns: 't.counts_source',
    async look(rows, onLooked) {
      const stored = await storedBoxes(db, again ? idsOf(rows) : []);
      const plans: Plan<ObjectWrite>[] = [];
      for (const row of rows) {
        signal.throwIfAborted();
        plans.push(await planOf(row, stored.get(row.id)));
        onLooked();
      }
      return plans;
    },
    write: (manager, writes) => writeObjects(manager, writes),
    release: async () => {
      detector.dispose();
      await started.release();
    },
  };
}
