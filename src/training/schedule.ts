/** The learning rate of every step, from its position alone, so that a resumed training needs no state for it. */
export interface Schedule {
  schedule: 'constant' | 'step' | 'cosine';
  /** The highest. */
  learningRate: number;
  epochs: number;
  /** May be a part of one. */
  warmupEpochs: number;
  stepEpochs: number;
  stepFactor: number;
}

/**
 * @param epoch counted from 1
 * @param batch counted from 0, of `batches`
 */
export function learningRateAt(schedule: Schedule, epoch: number, batch: number, batches: number): number {
  const { learningRate, epochs, warmupEpochs } = schedule;
  const position = epoch - 1 + batch / batches;
  // The first step already moves: of ten steps of warm-up it takes a tenth.
  if (position < warmupEpochs) return learningRate * Math.min(1, (position + 1 / batches) / warmupEpochs);
  switch (schedule.schedule) {
    case 'constant':
      return learningRate;
    case 'step':
      return learningRate * schedule.stepFactor ** Math.floor((epoch - 1) / schedule.stepEpochs);
    case 'cosine':
      return cosineRate(learningRate, (position - warmupEpochs) / (epochs - warmupEpochs));
  }
}

/**
 * Half a cosine from the given rate to zero (Loshchilov & Hutter 2017, without restarts).
 * @param progress share of the way that is done
 */
export const cosineRate = (learningRate: number, progress: number): number =>
  (learningRate * (1 + Math.cos(Math.PI * progress))) / 2;
