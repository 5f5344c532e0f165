/** Each form of a model, read back from its files and asked about the same pictures as the stored one. */
import type { EvaluationProtocol } from '../../experiments/protocol/protocol.js';
import type { TaskContext } from '../../platform/task.js';
import type { EngineName } from '../../training/protocol.js';
import type { Drift, DriftBound } from '../../training/variants/drift.js';
import type { Variant } from '../../training/variants/names.js';
import type { Split } from '../../catalog/vocabulary.js';
import type { EvaluationDrift } from './evaluated.js';

export interface ModelExportRequest {
  experimentUuid: string;
  /** Missing: the one that it was trained on. */
  versionUuid: string | null;
  split: Split;
  /** Says what is found (its score threshold); the bound is within its own. */
  protocolUuid: string;
  variants: Variant[];
  /** Lights, or frames. */
  sample: number;
  seed: number;
  bound: DriftBound;
  engine?: EngineName | 'auto';
}

/** What is compared on what. */
export interface Question extends Omit<ModelExportRequest, 'versionUuid' | 'bound'> {
  versionUuid: string;
  protocol: EvaluationProtocol;
  classes: string[];
  /** Folder of the stored model. */
  stored: string;
}

export interface VariantDrift {
  variant: Variant;
  weightBytes: number;
  drift: Drift;
}

export interface Compared {
  engine: string;
  /** Lights, or frames. */
  samples: number;
  variants: VariantDrift[];
  evaluation: EvaluationDrift | null;
}

/** @throws ShingoError SPLIT_EMPTY; TrainingError */
export type Compare = (task: TaskContext, question: Question) => Promise<Compared>;

/** TensorFlow.js is not loaded before it is needed: it has no place in the API, which knows exports by name only. */
export async function withEngine<T>(
  engine: EngineName | 'auto' | undefined,
  work: (engine: string) => Promise<T>,
): Promise<T> {
  const { startEngine } = await import('../../training/engines/index.js');
  const started = await startEngine(engine ?? 'wasm');
  try {
    return await work(started.name);
  } finally {
    await started.release();
  }
}
