import type { DataSource, EntityManager } from 'typeorm';
import { selectOne } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import type { LightArrow, LightColor, LightRole } from '../vocabulary.js';
import { AnnotationSource, Category } from '../vocabulary.js';
import { Annotation } from './annotation.js';

export interface Box {
  category: Category;
  x: number;
  y: number;
  width: number;
  height: number;
  color?: LightColor | null;
  arrows?: LightArrow[] | null;
  role?: LightRole | null;
  occluded?: boolean | null;
  truncated?: boolean | null;
  wholeImage?: boolean | null;
}

export interface NewAnnotation extends Box {
  imageUuid: string;
  /** Missing: LABEL. */
  source?: AnnotationSource;
  score?: number | null;
}

/** Pixels; null: not known, since only labels of the picture are here. */
export interface PictureSize {
  width: number | null;
  height: number | null;
}

/** Why a box cannot be one of a picture of this size; null if it can. It may leave the picture, not miss it. */
export function boxProblem(box: Box, picture: PictureSize): { field: string; message: string } | null {
  // The schema cannot say of the input of a change that it may be missing but not be null.
  if (box.category == null) return { field: 'category', message: 'A box has a category.' };
  if (box.category !== Category.TRAFFIC_LIGHT) {
    for (const field of ['color', 'role'] as const) {
      if (box[field] != null) return { field, message: `${field} belongs to a TRAFFIC_LIGHT only.` };
    }
    if (box.arrows && box.arrows.length > 0)
      return { field: 'arrows', message: 'arrows belong to a TRAFFIC_LIGHT only.' };
  }
  if (box.wholeImage)
    return picture.width !== null && picture.height !== null
      ? null
      : { field: 'wholeImage', message: 'The size of the picture is not known: its bytes are not here yet.' };
  for (const field of ['x', 'y', 'width', 'height'] as const) {
    if (!Number.isFinite(box[field])) return { field, message: `${field} is not a finite number.` };
  }
  if (box.width <= 0) return { field: 'width', message: 'A box is wider than nought.' };
  if (box.height <= 0) return { field: 'height', message: 'A box is higher than nought.' };
  const misses =
    box.x >= (picture.width ?? Infinity) ||
    box.y >= (picture.height ?? Infinity) ||
    box.x + box.width <= 0 ||
    box.y + box.height <= 0;
  return misses
    ? {
        field: 'x',
        message: `The box lies outside the picture${picture.width === null ? '' : ` (${picture.width} × ${picture.height})`}.`,
      }
    : null;
}

/**
 * One statement for all of them; the images' object counts follow by trigger. Whoever adds to several images that are
 * there already holds them first (lockImages), since others change many images in an order of their own.
 */
export async function insertAnnotations(
  manager: EntityManager,
  annotations: NewAnnotation[],
): Promise<string[]> {
  if (annotations.length === 0) return [];
  const records = annotations.map((annotation) => ({
    id: newId(),
    image_id: annotation.imageUuid,
    category: annotation.category,
    x: annotation.x,
    y: annotation.y,
    width: annotation.width,
    height: annotation.height,
    color: annotation.color ?? null,
    arrows: annotation.arrows ?? [],
    role: annotation.role ?? null,
    occluded: annotation.occluded ?? null,
    truncated: annotation.truncated ?? null,
    source: annotation.source ?? AnnotationSource.LABEL,
    score: annotation.score ?? null,
  }));
  await manager.query(
    `/* annotation.create */ INSERT INTO annotation
       (id, image_id, category, x, y, width, height, color, arrows, role, occluded, truncated, source, score)
     SELECT * FROM jsonb_to_recordset($1) AS a(id uuid, image_id uuid, category text, x float8, y float8,
       width float8, height float8, color text, arrows text[], role text, occluded boolean, truncated boolean,
       source text, score float8)`,
    [JSON.stringify(records)],
  );
  return records.map((record) => record.id);
}

/** @throws ShingoError NOT_FOUND, BAD_USER_INPUT */
export async function createAnnotation(db: DataSource, imageUuid: string, box: Box): Promise<Annotation> {
  return db.transaction(async (manager) => {
    const picture = await pictureSize(manager, imageUuid);
    checkBox(box, picture);
    const whole = box.wholeImage ? { x: 0, y: 0, ...(picture as { width: number; height: number }) } : {};
    const [uuid] = await insertAnnotations(manager, [{ ...box, ...whole, imageUuid }]);
    return (await selectOne(manager, Annotation, uuid as string)) as Annotation;
  });
}

/**
 * Whoever changes a model's annotation has looked at it: it becomes a label, without a score.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT
 */
export async function updateAnnotation(
  db: DataSource,
  uuid: string,
  change: Partial<Box>,
): Promise<Annotation> {
  return db.transaction(async (manager) => {
    await lockImageOf(manager, uuid);
    const before = await selectOne(manager, Annotation, uuid);
    if (!before) throw new ShingoError('NOT_FOUND', 'There is no such annotation.', 404, ['id']);
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    const after = { ...before, ...given } as Annotation;
    checkBox(after, await pictureSize(manager, before.imageUuid));
    await manager.query(
      `/* annotation.update */ UPDATE annotation SET category = $2, x = $3, y = $4, width = $5, height = $6,
         color = $7, arrows = $8, role = $9, occluded = $10, truncated = $11, source = 'LABEL', score = NULL
       WHERE id = $1`,
      [
        uuid,
        after.category,
        after.x,
        after.y,
        after.width,
        after.height,
        after.color,
        after.arrows ?? [],
        after.role,
        after.occluded,
        after.truncated,
      ],
    );
    return (await selectOne(manager, Annotation, uuid)) as Annotation;
  });
}

/** @throws ShingoError NOT_FOUND */
export async function deleteAnnotation(db: DataSource, uuid: string): Promise<void> {
  await db.transaction(async (manager) => {
    await lockImageOf(manager, uuid);
    const [, deleted] = await manager.query('/* annotation.delete */ DELETE FROM annotation WHERE id = $1', [
      uuid,
    ]);
    if (deleted === 0) throw new ShingoError('NOT_FOUND', 'There is no such annotation.', 404, ['id']);
  });
}

/** The image before its annotations, as whoever writes many of an image has them; its counts follow by trigger. */
async function lockImageOf(manager: EntityManager, annotationUuid: string): Promise<void> {
  await manager.query(
    `/* annotation.lockImage */ SELECT 1 FROM image WHERE id = (SELECT image_id FROM annotation WHERE id = $1)
     FOR NO KEY UPDATE`,
    [annotationUuid],
  );
}

async function pictureSize(manager: EntityManager, imageUuid: string): Promise<PictureSize> {
  const rows = await manager.query(
    '/* annotation.imageSize */ SELECT width, height FROM image WHERE id = $1',
    [imageUuid],
  );
  if (!rows[0]) throw new ShingoError('NOT_FOUND', 'There is no such image.', 404, ['imageId']);
  return rows[0];
}

function checkBox(box: Box, picture: PictureSize): void {
  const problem = boxProblem(box, picture);
  if (problem) throw new ShingoError('BAD_USER_INPUT', problem.message, 400, [problem.field]);
}
