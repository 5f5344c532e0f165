/** The moments at which faults strike: the same at each run, others with another SHINGO_TEST_SEED. */
import { seededRandom, type Random } from '../../seeds/random.js';

export const SEED = Number(process.env.SHINGO_TEST_SEED ?? 1);
/** Every victim in the middle of every kind of job, where a run of all tests shows a part. */
export const ALL_FAULTS = process.env.SHINGO_TEST_ALL_FAULTS === '1';

/** @param what each has moments of its own, whatever runs before it */
export const randomOf = (what: string): Random => seededRandom(SEED, what);
