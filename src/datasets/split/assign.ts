/** Splits of the items of a new version, by group: nothing that belongs together is torn. */
import type { EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { dealByTime, dealStratified, type Group, type Shares } from './groups.js';

export enum SplitStrategy {
  RANDOM = 'RANDOM',
  BY_PLACE = 'BY_PLACE',
  BY_DRIVE = 'BY_DRIVE',
  BY_TIME = 'BY_TIME',
}

type Grouped = Exclude<SplitStrategy, SplitStrategy.RANDOM>;

/** An image without a place or a drive is a group of its own. By time, a drive stays whole. */
const KEY: Record<Grouped, string> = {
  BY_PLACE: "coalesce('place ' || i.place_id, 'image ' || i.sha256)",
  BY_DRIVE: "coalesce('drive ' || i.drive, 'image ' || i.sha256)",
  BY_TIME: "coalesce('drive ' || i.drive, 'image ' || i.sha256)",
};

/** What the lights show, weather and time of day: the strata of RANDOM too. */
const STRATUM = `concat_ws('|', (SELECT string_agg(DISTINCT a.color, ',' ORDER BY a.color)
  FROM jsonb_to_recordset(i.annotations) AS a(color text)), coalesce(i.weather, '-'), coalesce(i.time_of_day, '-'))`;

/**
 * Items that are in TEST already are those of the fixed test set; their groups go there as a whole.
 * @throws ShingoError SPLIT_TIME_MISSING
 */
export async function assignGroups(
  manager: EntityManager,
  versionUuid: string,
  strategy: Grouped,
  seed: number,
  shares: Shares,
): Promise<void> {
  if (strategy === SplitStrategy.BY_TIME) await requireTimes(manager, versionUuid);
  const rows: {
    key: string;
    stratum: string;
    n: number;
    start: Date | null;
    fixed: boolean;
    order: string;
  }[] = await manager.query(
    `/* dataset.groups */ SELECT ${KEY[strategy]} AS key, ${STRATUM} AS stratum, count(*)::int AS n,
         min(i.recorded_at) AS start, bool_or(i.split = 'TEST') AS fixed,
         encode(sha256(convert_to($2 || min(i.sha256), 'UTF8')), 'hex') AS order
       FROM dataset_item i WHERE i.version_id = $1 GROUP BY 1, 2`,
    [versionUuid, String(seed)],
  );
  const groups = new Map<string, Group>();
  for (const { key, stratum, n, start, fixed, order } of rows) {
    const group = groups.get(key) ?? { key, strata: new Map(), order, start: null, fixed: false };
    groups.set(key, group);
    group.strata.set(stratum, n);
    group.fixed ||= fixed;
    if (order < group.order) group.order = order;
    if (start && (group.start === null || start.getTime() < group.start)) group.start = start.getTime();
  }
  const deal = strategy === SplitStrategy.BY_TIME ? dealByTime : dealStratified;
  const dealt = deal([...groups.values()], shares);
  await manager.query(
    `/* dataset.dealGroups */ UPDATE dataset_item i SET split = g.split
     FROM unnest($2::text[], $3::text[]) AS g(key, split)
     WHERE i.version_id = $1 AND g.key = ${KEY[strategy]} AND i.split <> g.split`,
    [versionUuid, [...dealt.keys()], [...dealt.values()]],
  );
}

async function requireTimes(manager: EntityManager, versionUuid: string): Promise<void> {
  const [{ n }]: [{ n: number }] = await manager.query(
    `/* dataset.timeless */ SELECT count(*)::int AS n FROM dataset_item
     WHERE version_id = $1 AND recorded_at IS NULL AND split <> 'TEST'`,
    [versionUuid],
  );
  if (n > 0)
    throw new ShingoError(
      'SPLIT_TIME_MISSING',
      `${n} of the images have no recordedAt, and BY_TIME needs one of each. Leave them out with where, or split by drive.`,
      400,
      ['strategy'],
    );
}
