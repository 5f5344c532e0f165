/** What a predictor process is asked and what it answers. */
import type { EngineName, TaskName } from '../../training/protocol.js';

export interface PixelBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface PredictRequest {
  task: TaskName;
  /** The model folder: a name for each blob's absolute path. Equal folders are one model. */
  files: Record<string, string>;
  engine: EngineName | 'auto';
  /** Absolute path of the picture. */
  file: string;
  /** Boxes to classify; null: the whole picture. Null instead of a list: find them, which takes a detector. */
  boxes: (PixelBox | null)[] | null;
}

export interface LightScores {
  predicted: number;
  /** One a class; null: not a number. */
  scores: (number | null)[];
}

export interface FoundLight extends PixelBox {
  label: number;
  score: number;
}

export interface PredictReply {
  classes: string[];
  engine: string;
  /** One a box that was asked for. */
  lights: LightScores[];
  /** Of a detector: best first. */
  found: FoundLight[];
  /** Decoding and network, without loading the model. */
  milliseconds: number;
}

export type PredictAnswer = { done: PredictReply } | { refused: { code: string; message: string } };
