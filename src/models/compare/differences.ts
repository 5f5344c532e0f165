/** The paired differences of two evaluations, slice by slice. */
import type { DataSource } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { Turns } from '../../platform/turns.js';
import { detectionDifferences } from './detections.js';
import type { Pair } from './pair.js';
import type { Difference, Slice } from './slice.js';
import { stateDifferences } from './states.js';

/** One at a time: a bootstrap takes two threads and some 60 bytes a detection. */
const turns = new Turns({ atATime: 1, waiting: 20 });

/** Finished evaluations never change, so that an answer once given stays true: a gate is asked again right after. */
const known = new Map<string, Promise<Difference[]>>();
const MOST_KNOWN = 100;

/**
 * In the order of the slices.
 * @param slices whose metrics, classes, conditions and sizes the pair has
 * @throws ShingoError TOO_BUSY
 */
export function differencesOf(db: DataSource, pair: Pair, slices: readonly Slice[]): Promise<Difference[]> {
  if (slices.length === 0) return Promise.resolve([]);
  const key = JSON.stringify([pair.a.uuid, pair.b.uuid, slices]);
  const before = known.get(key);
  if (before) return before;
  const compute = pair.task === LearningTask.LIGHT_DETECTION ? detectionDifferences : stateDifferences;
  const computing = turns.run(() => compute(db, pair, slices));
  known.set(key, computing);
  for (const oldest of [...known.keys()].slice(0, known.size - MOST_KNOWN)) known.delete(oldest);
  // A fault is no answer.
  computing.catch(() => known.delete(key));
  return computing;
}
