/** Annotations in bulk: written by COPY, and read to be compared with what a label file says. */
import type { EntityManager } from 'typeorm';
import { copyInto } from '../../platform/database/copy.js';
import { newId } from '../../platform/ids.js';
import type { Category, LightArrow, LightColor, LightRole } from '../vocabulary.js';

export interface Label {
  category: `${Category}`;
  x: number;
  y: number;
  width: number;
  height: number;
  color?: `${LightColor}` | null;
  arrows?: readonly `${LightArrow}`[] | null;
  role?: `${LightRole}` | null;
  occluded?: boolean | null;
  truncated?: boolean | null;
}

const NULL = '\\N';
const flag = (value: boolean | null | undefined) => (value == null ? NULL : value ? 't' : 'f');

/** The annotations of an image as COPY's text; nothing in them needs an escape. */
export function labelRows(imageUuid: string, labels: readonly Label[]): Buffer {
  let text = '';
  for (const { category, x, y, width, height, color, arrows, role, occluded, truncated } of labels) {
    const shown = arrows && arrows.length > 0 ? `{${arrows.join(',')}}` : '{}';
    text +=
      `${newId()}\t${imageUuid}\t${category}\t${x}\t${y}\t${width}\t${height}\t` +
      `${color ?? NULL}\t${shown}\t${role ?? NULL}\t${flag(occluded)}\t${flag(truncated)}\n`;
  }
  // Bytes at once: a text put together of 250 pieces is 10 kB of pieces until somebody reads it.
  return Buffer.from(text, 'latin1');
}

/** @param chunks of `labelRows`; the images' object counts follow by trigger */
export async function copyLabels(
  manager: EntityManager,
  chunks: Iterable<Buffer>,
  onSent?: () => void,
): Promise<void> {
  await copyInto(
    manager,
    `/* annotation.copy */ COPY annotation (id, image_id, category, x, y, width, height, color, arrows, role, occluded,
       truncated) FROM STDIN`,
    chunks,
    onSent,
  );
}

/** What people have labelled, by image. */
export async function labelsOf(manager: EntityManager, imageUuids: string[]): Promise<Map<string, Label[]>> {
  if (imageUuids.length === 0) return new Map();
  const rows: (Label & { image_id: string })[] = await manager.query(
    `/* annotation.labels */ SELECT image_id, category, x, y, width, height, color, arrows, role, occluded, truncated
     FROM annotation WHERE image_id = ANY ($1) AND source = 'LABEL'`,
    [imageUuids],
  );
  return Map.groupBy(rows, (row) => row.image_id);
}

/** Equal for equal labels, whatever their order; arrows are a set. */
export const fingerprint = (labels: readonly Label[]): string =>
  labels
    .map(({ category, x, y, width, height, color, arrows, role, occluded, truncated }) =>
      JSON.stringify([
        ...[category, x, y, width, height, color ?? null],
        [...new Set(arrows)].sort(),
        ...[role ?? null, occluded ?? null, truncated ?? null],
      ]),
    )
    .sort()
    .join('\n');
