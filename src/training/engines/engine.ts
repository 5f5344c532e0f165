import type { EngineName } from '../protocol.js';

/** One way to compute. */
export interface EngineDriver {
  readonly name: EngineName;
  /** What a user who asked for this engine by name can do when it is unavailable. */
  readonly remedy: string;
  /**
   * Makes it TensorFlow.js' current backend.
   * @param named asked for by name, not by `auto`
   * @throws EngineUnavailable
   */
  start(named: boolean): Promise<StartedEngine>;
}

export interface StartedEngine {
  /** What it runs on, e.g. 'WebAssembly with SIMD'; no full stop. */
  description: string;
  /** Gives back what would keep the process alive. */
  release(): Promise<void>;
}

/** Why an engine was passed over: a clause without full stop, e.g. 'package @tensorflow/tfjs-node not installed'. */
export class EngineUnavailable extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'EngineUnavailable';
  }
}
