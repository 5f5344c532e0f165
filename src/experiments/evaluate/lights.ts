/** Reads a predictions file of LIGHT_STATE, one line a light, and puts to each what its image says. */
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { lines } from '../../datasets/formats/read/input.js';
import { invalid } from './detections.js';
import { fileOf } from './file.js';
import { itemsOf, type Scope } from './scope.js';

const BATCH = 2_000;

const lineSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}:\d{1,9}$/),
  label: z.int().min(0),
  predicted: z.int().min(0),
  // JSON has no NaN: a model that has diverged says null.
  scores: z.array(z.number().nullable()),
});
type Line = z.infer<typeof lineSchema>;

export interface LightOutcome {
  sha256: string;
  /** Its index in the annotations of its image. */
  light: number;
  label: number;
  predicted: number;
  /** Of what was predicted; NaN if it has none. */
  score: number;
  /** In pixels of the picture. */
  width: number;
  conditions: number[];
  drive: string | null;
}

/** @throws ShingoError PREDICTIONS_INVALID: a line is none, or its light is not in the split */
export async function* readLights(
  db: DataSource,
  scope: Scope,
  path: string,
): AsyncGenerator<LightOutcome, void> {
  let batch: Line[] = [];
  for await (const { text } of lines(await fileOf(path))) {
    batch.push(parse(text, scope.classes.length));
    if (batch.length < BATCH) continue;
    yield* outcomes(db, scope, batch);
    batch = [];
  }
  if (batch.length > 0) yield* outcomes(db, scope, batch);
}

function parse(text: string, classes: number): Line {
  try {
    const line = lineSchema.parse(JSON.parse(text));
    if (line.label < classes && line.predicted < classes) return line;
  } catch {
    // Said below.
  }
  throw invalid(`this is none: ${text.slice(0, 200)}`);
}

async function* outcomes(db: DataSource, scope: Scope, batch: Line[]): AsyncGenerator<LightOutcome, void> {
  const named = batch.map(({ id, ...line }) => {
    const [sha256, light] = id.split(':') as [string, string];
    return { ...line, sha256, light: Number(light) };
  });
  const items = await itemsOf(db, scope, [...new Set(named.map(({ sha256 }) => sha256))]);
  for (const { sha256, light, label, predicted, scores } of named) {
    const item = items.get(sha256);
    const box = item?.annotations?.[light];
    if (!item || box?.category !== 'TRAFFIC_LIGHT')
      throw invalid(`${sha256}:${light} is no light of the split`);
    const { conditions, drive } = item;
    const score = scores[predicted] ?? NaN;
    yield { sha256, light, label, predicted, score, width: box.width, conditions, drive };
  }
}
