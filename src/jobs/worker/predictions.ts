import { open } from 'node:fs/promises';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { forgetPredictions, insertPredictions, type Prediction } from '../../experiments/outcome.js';
import { TrainerFault } from './fault.js';

const BATCH = 2_000;

const lineSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}:\d{1,9}$/),
  label: z.int().min(0),
  predicted: z.int().min(0),
  // JSON has no NaN: a model that has diverged says null.
  scores: z.array(z.number().nullable()),
});

/** Reads the trainer's predictions line by line into rows, instead of those of an earlier attempt. */
export async function replacePredictions(
  manager: EntityManager,
  evaluationUuid: string,
  file: string,
): Promise<void> {
  await forgetPredictions(manager, evaluationUuid);
  let batch: Prediction[] = [];
  const flush = async () => {
    if (batch.length > 0) await insertPredictions(manager, evaluationUuid, batch);
    batch = [];
  };
  const handle = await open(file);
  try {
    for await (const line of handle.readLines()) {
      batch.push(parse(line));
      if (batch.length === BATCH) await flush();
    }
  } finally {
    await handle.close();
  }
  await flush();
}

function read(line: string): z.infer<typeof lineSchema> {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    throw new TrainerFault('PREDICTIONS_INVALID', `This is no prediction: ${line.slice(0, 200)}`);
  }
}

function parse(line: string): Prediction {
  const { id, label, predicted, scores } = read(line);
  const [sha256, light] = id.split(':') as [string, string];
  return { sha256, light: Number(light), actual: label, predicted, score: scores[predicted] ?? NaN };
}
