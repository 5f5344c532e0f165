import type { DataSource } from 'typeorm';
import { binaryArray, binaryTimes } from '../../platform/database/binaryArray.js';
import { hint } from '../../platform/hub.js';
import { EXPERIMENT_TOPIC } from '../../jobs/vocabulary.js';
import { takeSeqs, writePoints } from '../events/log.js';
import type { Points } from '../events/points.js';
import { rememberedSeriesIds, seriesKey } from '../events/series.js';
import { batchOf, ended, findTarget, logOnce, type Batch, type Span } from './batch.js';

/** @throws ShingoError BAD_USER_INPUT */
export const metricsBatch = (id: string, { series, methods, ...points }: Points): Batch =>
  batchOf(
    id,
    'METRICS',
    ...series.map(seriesKey),
    ...[points.of, points.steps, points.n].map((column) => binaryArray('int4', column)),
    ...[points.values, points.lower, points.upper].map((column) => binaryArray('float8', column)),
    binaryTimes(points.times),
    methods && JSON.stringify(methods),
  );

/**
 * All points or none, in one transaction of as many statements whatever their number.
 * @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_LOGGED, EXPERIMENT_ENDED, CONFLICT
 */
export async function logMetrics(
  db: DataSource,
  experimentUuid: string,
  batch: Batch,
  points: Points,
): Promise<Span> {
  const target = await findTarget(db, experimentUuid, batch);
  if (target.done) return target.done;
  // Before the transaction: names are for ever, and nobody waits for a batch that has new ones.
  const ids = await rememberedSeriesIds(db, target.projectUuid, points.series);
  const count = points.values.length;
  return logOnce(db, target, batch, async (manager) => {
    const head = await takeSeqs(manager, experimentUuid, count);
    if (!head) throw await ended(manager, experimentUuid);
    const { before, now } = head;
    const seqs = Array.from({ length: count }, (_, index) => before + index + 1);
    await writePoints(manager, experimentUuid, points, { ids, seqs, now });
    await hint(manager, EXPERIMENT_TOPIC, experimentUuid);
    return { firstSeq: before + 1, lastSeq: before + count };
  });
}
