/** What a model says of one picture. */
import type { DataSource } from 'typeorm';
import { digestOfImage, requirePicture } from '../../catalog/image/pictureService.js';
import { uploadedFile } from '../../catalog/upload/uploadService.js';
import { LearningTask } from '../../catalog/vocabulary.js';
import type { BlobStore } from '../../platform/blobs.js';
import { ShingoError } from '../../platform/error.js';
import type { EngineName } from '../../training/protocol.js';
import { modelSource, type ModelSource } from '../modelSource.js';
import type { PixelBox, PredictReply } from './messages.js';
import { askPredictor } from './predictors.js';

export interface PredictQuestion {
  experimentUuid: string;
  imageUuid?: string | null;
  /** Of a picture that was sent (PUT /blobs) and need not be an image of any project. */
  sha256?: string | null;
  /** A completed upload of the project: a picture, which is looked at and not kept. */
  uploadUuid?: string | null;
  /** Instead of those that the image has. */
  boxes?: PixelBox[] | null;
  /** Of a detector: what it is less sure of is left out. */
  minScore: number;
}

export const DEFAULT_MIN_SCORE = 0.3;

export interface PredictedLight {
  /** Null: the whole picture. */
  box: PixelBox | null;
  annotationUuid: string | null;
  color: string;
  score: number;
  scores: { color: string; score: number }[];
}

export interface Prediction {
  experimentUuid: string;
  imageUuid: string | null;
  sha256: string;
  task: LearningTask;
  engine: string;
  lights: PredictedLight[];
  /** From question to answer. */
  milliseconds: number;
  /** Of these, decoding and network. */
  computeMilliseconds: number;
}

export const MOST_BOXES = 300;

interface Asked {
  box: PixelBox | null;
  annotationUuid: string | null;
}

/**
 * @throws ShingoError BAD_USER_INPUT, NOT_FOUND, OTHER_PROJECT, EXPERIMENT_NOT_TRAINED, WEIGHTS_MISSING, BLOB_MISSING,
 *   LIGHTS_MISSING, UPLOAD_INCOMPLETE, UPLOAD_EXPIRED, PICTURE_*, and what askPredictor throws
 */
export async function predict(
  { db, blobs }: { db: DataSource; blobs: BlobStore },
  question: PredictQuestion,
  engine: EngineName | 'auto',
): Promise<Prediction> {
  const began = performance.now();
  const { experimentUuid, imageUuid = null } = question;
  const source = await modelSource(db, experimentUuid);
  if (imageUuid !== null) await checkProject(db, imageUuid, source.experiment.projectUuid);
  const sha256 = await digestOf(db, blobs, question, source.experiment.projectUuid);
  const asked = await askedOf(db, source, question);
  const files: Record<string, string> = {};
  for (const [name, digest] of Object.entries(source.files)) files[name] = await blobs.file(digest);
  const reply = await blobs.use(sha256, (file) =>
    askPredictor({
      ...{ task: source.task, files, file },
      // A GPU is for training; and where a process of its own must start for a crop, wasm answers first.
      engine: engine === 'auto' ? 'wasm' : engine,
      boxes: asked && asked.map(({ box }) => box),
    }),
  );
  const lights = asked ? classified(reply, asked) : detected(reply, question.minScore);
  return {
    ...{ experimentUuid, imageUuid, sha256, task: source.task, engine: reply.engine, lights },
    ...{ milliseconds: performance.now() - began, computeMilliseconds: reply.milliseconds },
  };
}

/** The boxes whose colour is to be told; null: a detector finds them itself. */
async function askedOf(
  db: DataSource,
  { task }: ModelSource,
  { boxes = null, imageUuid = null, minScore }: PredictQuestion,
): Promise<Asked[] | null> {
  if (!(minScore >= 0 && minScore <= 1))
    throw new ShingoError('BAD_USER_INPUT', 'minScore is 0 to 1.', 400, ['minScore']);
  if (task === LearningTask.LIGHT_STATE) return boxes ? given(boxes) : lightsOf(db, imageUuid);
  if (boxes === null) return null;
  throw new ShingoError('BAD_USER_INPUT', 'This model finds lights by itself: leave boxes out.', 400, [
    'boxes',
  ]);
}

const classified = ({ lights, classes }: PredictReply, asked: Asked[]): PredictedLight[] =>
  lights.map(({ predicted, scores }, at) => {
    const of = (index: number) => scores[index] ?? 0;
    return {
      ...asked[at]!,
      color: classes[predicted]!,
      score: of(predicted),
      scores: classes.map((color, index) => ({ color, score: of(index) })),
    };
  });

const detected = ({ found, classes }: PredictReply, minScore: number): PredictedLight[] =>
  found
    .filter(({ score }) => score >= minScore)
    .map(({ label, score, ...box }) => {
      const color = classes[label]!;
      return { box, annotationUuid: null, color, score, scores: [{ color, score }] };
    });

async function digestOf(
  db: DataSource,
  blobs: BlobStore,
  question: PredictQuestion,
  projectUuid: string,
): Promise<string> {
  const { imageUuid = null, sha256 = null, uploadUuid = null } = question;
  if ([imageUuid, sha256, uploadUuid].filter((given) => given !== null).length !== 1)
    throw new ShingoError('BAD_USER_INPUT', 'Give one of imageId, uploadId and sha256.', 400, ['imageId']);
  if (uploadUuid !== null) {
    const upload = await uploadedFile(db, projectUuid, uploadUuid);
    await requirePicture(blobs, upload.sha256);
    return upload.sha256;
  }
  const digest = sha256 ?? (await digestOfImage(db, imageUuid!));
  const known = await db.query('/* predict.picture */ SELECT 1 FROM picture WHERE sha256 = $1', [digest]);
  if (known.length > 0 && (await blobs.has(digest))) return digest;
  throw new ShingoError(
    'BLOB_MISSING',
    'No picture of this SHA-256 has been sent: PUT it to /blobs first.',
    404,
    ['sha256'],
  );
}

async function checkProject(db: DataSource, imageUuid: string, projectUuid: string): Promise<void> {
  const rows: { project_id: string }[] = await db.query(
    '/* predict.image */ SELECT project_id FROM image WHERE id = $1',
    [imageUuid],
  );
  if (!rows[0]) throw new ShingoError('NOT_FOUND', 'There is no such image.', 404, ['imageId']);
  if (rows[0].project_id === projectUuid) return;
  const message = 'This image belongs to another project than the experiment.';
  throw new ShingoError('OTHER_PROJECT', message, 409, ['imageId']);
}

function given(boxes: PixelBox[]): Asked[] {
  const bad = (message: string) => new ShingoError('BAD_USER_INPUT', message, 400, ['boxes']);
  if (boxes.length === 0 || boxes.length > MOST_BOXES) throw bad(`boxes are 1 to ${MOST_BOXES}.`);
  for (const box of boxes)
    if (!Object.values(box).every(Number.isFinite) || box.width <= 0 || box.height <= 0)
      throw bad('A box has finite numbers, and is wider and higher than nought.');
  return boxes.map(({ x, y, width, height }) => ({ box: { x, y, width, height }, annotationUuid: null }));
}

/** The lights that count of an image; of a picture that is no image, the whole of it. */
async function lightsOf(db: DataSource, imageUuid: string | null): Promise<Asked[]> {
  if (imageUuid === null) return [{ box: null, annotationUuid: null }];
  const rows: (PixelBox & { id: string })[] = await db.query(
    `/* predict.lights */ SELECT a.id, a.x, a.y, a.width, a.height FROM annotation a JOIN image i ON i.id = a.image_id
     WHERE i.id = $1 AND a.source = i.counts_source AND a.category = 'TRAFFIC_LIGHT' ORDER BY a.id LIMIT ${MOST_BOXES}`,
    [imageUuid],
  );
  if (rows.length > 0) return rows.map(({ id, ...box }) => ({ box, annotationUuid: id }));
  throw new ShingoError(
    'LIGHTS_MISSING',
    'Nobody has marked a traffic light in this image, and this model tells the colours of lights that are marked: ' +
      'give boxes, or let a detector look first (startEnrichment with OBJECTS).',
    409,
    ['imageId'],
  );
}
