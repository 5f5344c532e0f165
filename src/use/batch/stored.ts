/** What stands in the images that a model is asked about. */
import type { DataSource } from 'typeorm';
import type { NewAnnotation } from '../../catalog/annotation/annotationService.js';
import type { Row } from '../../catalog/enrichment/pages.js';
import { LightColor, type AnnotationSource } from '../../catalog/vocabulary.js';

export interface ColorRow extends Row {
  counts_source: AnnotationSource | null;
}

/** Of a class of a model; a class that is no colour of the catalog is UNKNOWN. */
export const colorOf = (name: string | undefined): LightColor =>
  name !== undefined && name in LightColor ? (name as LightColor) : LightColor.UNKNOWN;

/** Lights that a model has found in these images before. */
export async function storedLights(db: DataSource, ids: string[]): Promise<Map<string, NewAnnotation[]>> {
  const rows: NewAnnotation[] = await db.query(
    `/* batchPrediction.found */ SELECT image_id AS "imageUuid", category, x, y, width, height, color, score
     FROM annotation WHERE image_id = ANY ($1) AND source = 'MODEL' AND category = 'TRAFFIC_LIGHT'`,
    [ids],
  );
  return Map.groupBy(rows, ({ imageUuid }) => imageUuid);
}
