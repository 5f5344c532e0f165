/**
 * From a predictions file to rows and figures, before the transaction that stores them: a thousand resamples take longer
 * than a transaction may hold a job's row.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { copyRow } from '../../platform/database/copy.js';
import { packMatches } from '../../training/statistics/detection/index.js';
import { invalid, matchDetections } from './detections.js';
import type { SliceFigures } from './figures.js';
import { readLights } from './lights.js';
import { DetectionMeasure } from './measureDetections.js';
import { LightMeasure } from './measureLights.js';
import { frozenPlaces, frozenSlices, scopeOf, type Scope } from './scope.js';

export interface Prepared {
  scope: Scope;
  /** Rows as COPY takes them: of evaluation_image, or of evaluation_prediction. */
  rowsFile: string;
  /** The whole split first. */
  slices: SliceFigures[];
}

export interface PrepareOptions {
  /** JSON lines: {id, detections} an image, or {id, label, predicted, scores} a light. */
  file: string;
  /** For a file of its own. */
  folder: string;
  signal?: AbortSignal;
}

/**
 * Memory grows by some 60 bytes a detection, or 30 a light, and slice.
 * @throws ShingoError NOT_FOUND, PREDICTIONS_INVALID
 */
export async function prepareEvaluation(
  db: DataSource,
  evaluationUuid: string,
  { file, folder, signal }: PrepareOptions,
): Promise<Prepared> {
  const scope = await scopeOf(db, evaluationUuid);
  const rowsFile = join(folder, 'evaluation.rows');
  const rows = await open(rowsFile, 'w');
  try {
    const write = scope.task === LearningTask.LIGHT_DETECTION ? writeImages : writeLights;
    const slices = await write(db, scope, file, new Rows(rows), signal);
    return { scope, rowsFile, slices };
  } finally {
    await rows.close();
  }
}

async function writeImages(
  db: DataSource,
  scope: Scope,
  file: string,
  rows: Rows,
  signal?: AbortSignal,
): Promise<SliceFigures[]> {
  const measure = new DetectionMeasure(scope, frozenSlices(scope));
  const thresholds = scope.protocol.iouThresholds.length;
  let images = 0;
  for await (const { sha256, conditions, drive, lights, matches } of matchDetections(db, scope, file)) {
    signal?.throwIfAborted();
    measure.add(matches, drive, frozenPlaces(conditions));
    const packed = Buffer.from(packMatches(matches, thresholds));
    const values = [scope.uuid, sha256, images, arrayText(conditions), drive, arrayText(lights)];
    await rows.add([...values, `\\x${packed.toString('hex')}`]);
    images += 1;
  }
  await rows.end();
  await requireEvery(db, scope, images);
  return measure.figures(signal);
}

/** An image that the file leaves out would count as if it were not there, not as if nothing were found on it. */
async function requireEvery(db: DataSource, scope: Scope, images: number): Promise<void> {
  const rows: { n: number }[] = await db.query(
    `/* evaluation.labelled */ SELECT count(*)::int AS n FROM dataset_item
     WHERE version_id = $1 AND split = $2 AND annotations IS NOT NULL AND jsonb_typeof(annotations) = 'array'`,
    [scope.versionUuid, scope.split],
  );
  const wanted = rows[0]?.n ?? 0;
  if (wanted !== images)
    throw invalid(`the split has ${wanted} labelled images, the file detections of ${images}`);
}

async function writeLights(
  db: DataSource,
  scope: Scope,
  file: string,
  rows: Rows,
  signal?: AbortSignal,
): Promise<SliceFigures[]> {
  const measure = new LightMeasure(scope, frozenSlices(scope));
  for await (const outcome of readLights(db, scope, file)) {
    signal?.throwIfAborted();
    measure.add(outcome, frozenPlaces(outcome.conditions));
    const { sha256, light, conditions, label, predicted, score, width } = outcome;
    await rows.add([scope.uuid, sha256, light, arrayText(conditions), label, predicted, score, width]);
  }
  await rows.end();
  return measure.figures(signal);
}

const arrayText = (values: number[]) => `{${values.join(',')}}`;

const FULL = 1 << 18;

class Rows {
  private text = '';

  constructor(private readonly file: FileHandle) {}

  async add(values: (string | number | null)[]): Promise<void> {
    this.text += copyRow(values);
    if (this.text.length >= FULL) await this.end();
  }

  async end(): Promise<void> {
    const { text } = this;
    this.text = '';
    await this.file.writeFile(text);
  }
}
