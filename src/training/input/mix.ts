/** Batches that hold as many items of each condition, however rare it is. */
import { TrainingError } from '../error.js';
import { generator, mixSeeds, permutation } from '../random.js';

export interface Pool {
  /** Of the condition; null: what is in none of them. */
  name: string | null;
  /** Which items. */
  indices: Uint32Array;
}

/**
 * One pool for each condition, overlapping, and one for the items in none of them, if there are any.
 * @param indices of the items to choose from
 * @throws TrainingError SPLIT_EMPTY for a condition without an item
 */
export function poolsOf(
  indices: Uint32Array,
  conditionsOf: (index: number) => readonly number[],
  names: readonly string[],
  all: readonly string[],
): Pool[] {
  const wanted = names.map((name) => all.indexOf(name));
  const pools: Pool[] = names.map((name, i) => ({
    name,
    indices: indices.filter((index) => conditionsOf(index).includes(wanted[i]!)),
  }));
  const empty = pools.find((pool) => pool.indices.length === 0);
  if (empty)
    throw new TrainingError(
      'SPLIT_EMPTY',
      `The TRAIN split has nothing in the condition ${empty.name}, of which every batch is to hold a share.`,
    );
  const rest = indices.filter((index) => !conditionsOf(index).some((one) => wanted.includes(one)));
  return rest.length > 0 ? [...pools, { name: null, indices: rest }] : pools;
}

/**
 * An epoch's order in which the pools take turns: any run of it holds of each pool as many, give or take one. A pool
 * that is used up begins anew in another order; of a larger one an epoch sees a part. All follows from seed and epoch.
 */
export function mixedOrder(pools: readonly Pool[], length: number, seed: number, epoch: number): Uint32Array {
  const draws = pools.map(({ indices }, pool) => cycle(indices, mixSeeds(seed, epoch, pool, 0x6d6978)));
  return Uint32Array.from({ length }, (_, position) => draws[position % draws.length]!());
}

function cycle(indices: Uint32Array, seed: number): () => number {
  const random = generator(seed);
  let order: Uint32Array = new Uint32Array();
  let next = 0;
  return () => {
    if (next === order.length) {
      order = permutation(indices.length, random);
      next = 0;
    }
    return indices[order[next++]!]!;
  };
}
