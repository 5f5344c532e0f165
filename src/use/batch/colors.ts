/**
 * The colours of lights that somebody has marked, as annotations of source MODEL. A person's stay as they are: what the
 * model reads of them is written beside, where it counts nowhere. What a model has found takes its colour itself.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { insertAnnotations } from '../../catalog/annotation/annotationService.js';
import { idsOf, lockImages, type Plan, type Step } from '../../catalog/enrichment/pages.js';
import { AnnotationSource, Category, LightColor } from '../../catalog/vocabulary.js';
import { useAll, type BlobStore } from '../../platform/blobs.js';
import { TrainingError } from '../../training/error.js';
import type { StoredModel } from '../../training/variants/storedModel.js';
import type { LightScores, PixelBox } from '../predict/messages.js';
import { colorOf, type ColorRow } from './stored.js';

interface Light extends PixelBox {
  id: string;
  image_id: string;
  color: LightColor | null;
  score: number | null;
}

export interface Reading {
  light: Light;
  color: LightColor;
  /** Of that colour, 0 to 1, in steps of 0.001: the same model and pixels give the same row. */
  score: number;
}

export interface ColorWrite {
  id: string;
  source: AnnotationSource;
  readings: Reading[];
}

interface Marked {
  /** Those that count: what is read. */
  lights: Light[];
  /** What a model has read of a person's before. */
  read: Light[];
}

async function markedIn(db: DataSource, ids: string[]): Promise<Map<string, Marked>> {
  const rows: (Light & { counts: boolean })[] = await db.query(
    `/* batchPrediction.lights */ SELECT a.id, a.image_id, a.x, a.y, a.width, a.height, a.color, a.score,
       a.source = i.counts_source AS counts
     FROM annotation a JOIN image i ON i.id = a.image_id
     WHERE a.image_id = ANY ($1) AND a.category = 'TRAFFIC_LIGHT'
       AND (a.source = i.counts_source OR a.source = 'MODEL' AND a.color IS NOT NULL) ORDER BY a.id`,
    [ids],
  );
  const found = new Map<string, Marked>();
  for (const { counts, ...light } of rows) {
    const marked = found.get(light.image_id) ?? { lights: [], read: [] };
    marked[counts ? 'lights' : 'read'].push(light);
    found.set(light.image_id, marked);
  }
  return found;
}

const textOf = ({ x, y, width, height }: PixelBox, color: LightColor | null, score: number | null) =>
  JSON.stringify([x, y, width, height, color, score]);

/** Whether it is what stands there already. */
function isWritten(source: AnnotationSource, readings: Reading[], { read }: Marked): boolean {
  if (source === AnnotationSource.MODEL)
    return readings.every(({ light, color, score }) => light.color === color && light.score === score);
  const stored = read.map((light) => textOf(light, light.color, light.score)).sort();
  const wanted = readings.map(({ light, color, score }) => textOf(light, color, score)).sort();
  return JSON.stringify(stored) === JSON.stringify(wanted);
}

interface Asked {
  row: ColorRow;
  marked: Marked;
}

const isOfPicture = ({ code }: TrainingError): boolean =>
  code === 'PICTURE_UNREADABLE' || code === 'BOX_OUTSIDE_PICTURE';

async function skipOf(row: ColorRow, marked: Marked | undefined, blobs: BlobStore) {
  if (row.sha256 === null) return 'NO_PICTURE';
  if (!marked || marked.lights.length === 0) return 'NO_LIGHT';
  return (await blobs.has(row.sha256)) ? null : 'PICTURE_MISSING';
}

export interface ColorOptions {
  /** A colour that the model is less sure of is UNKNOWN. */
  minScore: number;
}

export function colors(
  { db, blobs, signal }: { db: DataSource; blobs: BlobStore; signal: AbortSignal },
  model: StoredModel,
  { minScore }: ColorOptions,
): Step<ColorRow, ColorWrite> {
  const readingOf = (light: Light, { predicted, scores }: LightScores): Reading => {
    const score = Math.round((scores[predicted] ?? 0) * 1000) / 1000;
    const color = score >= minScore ? colorOf(model.classes[predicted]) : LightColor.UNKNOWN;
    return { light, color, score };
  };
  const ask = (wanted: Asked[]): Promise<Map<string, Reading[]>> =>
    useAll(
      blobs,
      wanted.map(({ row }) => row.sha256!),
      (files) => read(wanted, files),
    );
  const read = async (wanted: Asked[], files: Map<string, string>): Promise<Map<string, Reading[]>> => {
    const lights = wanted.flatMap(({ row, marked }) =>
      marked.lights.map((light) => ({ light, file: files.get(row.sha256!)! })),
    );
    const items = lights.map(({ light: { id, x, y, width, height }, file }) => ({
      ...{ id, file, box: { x, y, width, height }, label: 0, split: 'TEST' as const, conditions: [] },
    }));
    const answers = await model.ask<LightScores>(items, { signal });
    const readings = answers.map((answer, at) => readingOf(lights[at]!.light, answer));
    return Map.groupBy(readings, ({ light }) => light.image_id);
  };
  const planOf = ({ row, marked }: Asked, readings: Reading[]): Plan<ColorWrite> => {
    const source = row.counts_source as AnnotationSource;
    if (isWritten(source, readings, marked)) return { row, outcome: 'UNCHANGED' };
    return { row, outcome: 'CHANGED', write: { id: row.id, source, readings } };
  };
  /** All at once, so that the network has full batches; one by one where a picture among them cannot be read. */
  const plansOf = async (wanted: Asked[]): Promise<Plan<ColorWrite>[]> => {
    try {
      const readings = await ask(wanted);
      return wanted.map((one) => planOf(one, readings.get(one.row.id) ?? []));
    } catch (error) {
      if (!(error instanceof TrainingError) || !isOfPicture(error)) throw error;
      const [one] = wanted;
      if (wanted.length === 1)
        return [{ row: one!.row, outcome: 'SKIPPED', reason: 'PICTURE_UNREADABLE', message: error.message }];
      const plans: Plan<ColorWrite>[] = [];
      for (const alone of wanted) plans.push(...(await plansOf([alone])));
      return plans;
    }
  };
  return {
    phase: 'PREDICTING',
    // About a second's work: a page that is cut off is done again.
    batch: 64,
    columns: 't.counts_source',
    async look(rows, onLooked) {
      const marked = await markedIn(db, idsOf(rows));
      const skips = new Map<string, Plan<ColorWrite>>();
      const wanted: Asked[] = [];
      for (const row of rows) {
        const own = marked.get(row.id);
        const reason = await skipOf(row, own, blobs);
        if (reason) skips.set(row.id, { row, outcome: 'SKIPPED', reason });
        else wanted.push({ row, marked: own! });
      }
      const plans = new Map(
        (wanted.length > 0 ? await plansOf(wanted) : []).map((plan) => [plan.row.id, plan]),
      );
      rows.forEach(onLooked);
      return rows.map(({ id }) => skips.get(id) ?? plans.get(id)!);
    },
    write: writeColors,
  };
}

/** An image whose lights were marked otherwise since it was looked at is left alone. */
export async function writeColors(manager: EntityManager, writes: ColorWrite[]): Promise<string[]> {
  await lockImages(manager, idsOf(writes));
  const lights = writes.flatMap(({ id, source, readings }) =>
    readings.map(({ light: { id: annotation, x, y, width, height }, color, score }) => ({
      ...{ image: id, source, annotation, x, y, width, height, color, score },
    })),
  );
  const same: { id: string }[] = await manager.query(
    `/* batchPrediction.unchanged */ WITH wanted AS (
       SELECT * FROM jsonb_to_recordset($1) AS w (image uuid, source text, annotation uuid, x float8, y float8,
         width float8, height float8))
     SELECT i.id FROM image i JOIN wanted w ON w.image = i.id AND w.source = i.counts_source
     LEFT JOIN annotation a ON a.id = w.annotation AND a.source = w.source AND a.category = 'TRAFFIC_LIGHT'
       AND (a.x, a.y, a.width, a.height) = (w.x, w.y, w.width, w.height)
     GROUP BY i.id HAVING count(a.id) = count(*) AND count(*) = i.traffic_lights`,
    [JSON.stringify(lights)],
  );
  const open = new Set(idsOf(same));
  const mine = lights.filter(({ image }) => open.has(image));
  const beside = mine.filter(({ source }) => source === AnnotationSource.LABEL);
  await manager.query(
    `/* batchPrediction.removeRead */ DELETE FROM annotation WHERE image_id = ANY ($1) AND source = 'MODEL'
       AND category = 'TRAFFIC_LIGHT' AND color IS NOT NULL`,
    [[...new Set(beside.map(({ image }) => image))]],
  );
  await insertAnnotations(
    manager,
    beside.map(({ image, source: _, annotation: __, ...box }) => ({
      ...{ ...box, imageUuid: image, category: Category.TRAFFIC_LIGHT, source: AnnotationSource.MODEL },
    })),
  );
  const own = mine.filter(({ source }) => source === AnnotationSource.MODEL);
  await manager.query(
    `/* batchPrediction.color */ UPDATE annotation a SET color = w.color, score = w.score
     FROM jsonb_to_recordset($1) AS w (annotation uuid, color text, score float8)
     WHERE a.id = w.annotation AND a.source = 'MODEL'`,
    [JSON.stringify(own)],
  );
  return [...open];
}
