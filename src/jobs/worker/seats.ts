/** The slots of a host: so many of each engine and device. */
import type { EngineName, Spec } from '../../training/protocol.js';

export interface Seat {
  engine: Spec['engine'];
  /** Null: any. */
  device: string | null;
  count: number;
}

/**
 * Engines that a job may ask a seat for. One whose engine was left to `auto` runs whatever works on the host.
 * @param present those that work on the host
 */
export const enginesOf = ({ engine }: Pick<Seat, 'engine'>, present: readonly EngineName[]): readonly EngineName[] =>
  engine === 'auto' ? present : [engine];

/** What makes a trainer keep to its device. */
export const deviceEnvironment = (device: string | null | undefined): Record<string, string> =>
  device == null ? {} : { CUDA_VISIBLE_DEVICES: device };
