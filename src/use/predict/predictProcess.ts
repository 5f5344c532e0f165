/** The process in which a model predicts, so that neither a network nor a picture ever stands in the service's way. */
import sharp from 'sharp';
import { serveRequests } from '../../platform/poolChild.js';
import { startEngine, type Engine } from '../../training/engines/index.js';
import { TrainingError } from '../../training/error.js';
import { frameItem } from '../../training/variants/storedModel.js';
import type { FoundLight, LightScores, PredictAnswer, PredictReply, PredictRequest } from './messages.js';
import { Models } from './models.js';

/** Engine, four models and the largest picture that the catalog takes, an AVIF of 40 Mpx (700 MB). */
const MAX_MEMORY_BYTES = 2 * 2 ** 30;

process.env.VIPS_DISC_THRESHOLD = '1t';
sharp.concurrency(1);
sharp.cache(false);

const models = new Models();
let engine: { name: PredictRequest['engine']; started: Promise<Engine> } | null = null;

/** One for the life of the process: another one's models would be of no use to it. */
function engineOf(name: PredictRequest['engine']): Promise<Engine> {
  engine ??= { name, started: startEngine(name) };
  return engine.started;
}

async function predict(request: PredictRequest): Promise<PredictReply> {
  const { name } = await engineOf(request.engine);
  const model = await models.get(request.task, request.files);
  const began = performance.now();
  const about = { file: request.file, split: 'TEST' as const, conditions: [] };
  const reply = { classes: model.classes, engine: name, lights: [], found: [] };
  if (request.boxes === null) {
    const [frame] = await model.ask<{ detections: FoundLight[] }>([frameItem('0', request.file)]);
    return { ...reply, found: frame!.detections, milliseconds: performance.now() - began };
  }
  const items = request.boxes.map((box, at) => ({ ...about, id: String(at), box, label: 0 }));
  const answers = await model.ask<LightScores>(items);
  const lights = answers.map(({ predicted, scores }) => ({ predicted, scores }));
  return { ...reply, lights, milliseconds: performance.now() - began };
}

serveRequests<PredictRequest, PredictAnswer>(MAX_MEMORY_BYTES, async (request) => {
  try {
    return { done: await predict(request) };
  } catch (error) {
    if (error instanceof TrainingError) return { refused: { code: error.code, message: error.message } };
    const message = error instanceof Error ? error.message : String(error);
    return { refused: { code: 'PREDICTION_FAILED', message: `The model cannot predict here: ${message}` } };
  }
});
