/** LIGHT_DETECTION: the lights in a whole frame, each with its colour. */
import { readFrames } from '../../input/samples.js';
import type { Frame } from '../../protocol.js';
import type { Task } from '../task.js';
import { DetectionPredictor } from './predictor.js';
import { detectionPreprocessingSchema, type DetectionPreprocessing } from './preprocessing.js';
import { DetectionTraining } from './training.js';

export const lightDetection: Task<Frame, DetectionPreprocessing> = {
  preprocessing: detectionPreprocessingSchema,
  readItems: (source) => readFrames(source.samplesFile, source),
  training: (spec, frames) => new DetectionTraining(spec, frames),
  predictor: (_, frames, loaded) => new DetectionPredictor(frames, loaded),
};
