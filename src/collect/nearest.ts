/** The images that are nearest to a cell: those in it or, where there are none, those that agree in all but a few keys. */
import { CoverageDimension, type CoverageRequest, type Tab } from '../catalog/coverage/coverage.js';
import { Category } from '../catalog/vocabulary.js';
import type { Where } from '../graphql/list/where.js';
import { toGlobalId } from '../graphql/node.js';
import { keyOf } from './keys.js';

export interface Nearest {
  where: Where;
  images: number;
  leavesOut: CoverageDimension[];
}

/** The filter language has no clock. */
const NO_FILTER: readonly CoverageDimension[] = [CoverageDimension.HOUR, CoverageDimension.MONTH];

/** The cross-tabs by some of the dimensions only that `nearestOf` looks into. At most 14. */
export function marginals(by: readonly CoverageDimension[]): CoverageRequest[] {
  const filtered = by.filter((dimension) => !NO_FILTER.includes(dimension));
  return subsets(filtered)
    .filter((subset) => subset.length > 0 && subset.length < by.length)
    .map((subset) => ({ by: subset, measure: [] }));
}

const subsets = <T>(items: readonly T[]): T[][] =>
  items.reduce<T[][]>((found, item) => [...found, ...found.map((one) => [...one, item])], [[]]);

export class NearestImages {
  /** Those that leave out least first. */
  private readonly tabs: { by: CoverageDimension[]; images: Map<string, number> }[];

  constructor(
    private readonly by: CoverageDimension[],
    own: { keys: (string | null)[]; images: number }[],
    requests: CoverageRequest[],
    tabs: Tab[],
    private readonly total: number,
  ) {
    const counts = (cells: { keys: (string | null)[]; images: number }[]) =>
      new Map(cells.map(({ keys, images }) => [keyOf(keys), images]));
    this.tabs = requests.map((request, at) => ({ by: request.by, images: counts(tabs[at]!.cells) }));
    if (!by.some((dimension) => NO_FILTER.includes(dimension)))
      this.tabs.push({ by: [...by], images: counts(own) });
    this.tabs.sort((a, b) => b.by.length - a.by.length);
  }

  /** As many keys as there are images for; of several such choices the most particular, which has the fewest. */
  of(keys: readonly string[]): Nearest {
    let best: { by: CoverageDimension[]; images: number } = { by: [], images: this.total };
    for (const { by, images } of this.tabs) {
      if (by.length < best.by.length) break;
      const found = images.get(keyOf(by.map((dimension) => keys[this.by.indexOf(dimension)]!))) ?? 0;
      if (found > 0 && (by.length > best.by.length || found < best.images)) best = { by, images: found };
    }
    return {
      where: whereOf(
        best.by,
        best.by.map((dimension) => keys[this.by.indexOf(dimension)]!),
      ),
      images: best.images,
      leavesOut: this.by.filter((dimension) => !best.by.includes(dimension)),
    };
  }
}

const WIDTHS: Record<string, Where> = {
  '<8': { lt: 8 },
  '8-16': { gte: 8, lt: 16 },
  '16-32': { gte: 16, lt: 32 },
  '>=32': { gte: 32 },
};

/** An ImageWhere of the images that a cell counts. HOUR and MONTH cannot be said in it. */
export function whereOf(by: readonly CoverageDimension[], keys: readonly string[]): Where {
  const where: Where = {};
  const light: Where = {};
  const place: Where = {};
  by.forEach((dimension, at) => {
    const key = keys[at]!;
    if (dimension === CoverageDimension.WEATHER) where.weather = { eq: key };
    else if (dimension === CoverageDimension.TIME_OF_DAY) where.timeOfDay = { eq: key };
    else if (dimension === CoverageDimension.SCENE) where.scene = { eq: key };
    else if (dimension === CoverageDimension.CONDITION) where.condition = key;
    else if (dimension === CoverageDimension.COUNTRY) place.country = { eq: key };
    else if (dimension === CoverageDimension.PREFECTURE) place.prefecture = { eq: key };
    else if (dimension === CoverageDimension.CITY) place.city = { eq: key };
    else if (dimension === CoverageDimension.PLACE) where.placeId = { eq: toGlobalId('Place', key) };
    else if (dimension === CoverageDimension.LIGHT_COLOR) light.color = { eq: key };
    else if (dimension === CoverageDimension.LIGHT_SIZE) light.width = WIDTHS[key];
    else if (dimension === CoverageDimension.HAS_LIGHT)
      where.trafficLights = key === 'YES' ? { gt: 0 } : { eq: 0 };
  });
  if (Object.keys(place).length > 0) where.place = place;
  if (Object.keys(light).length > 0)
    where.annotations = { some: { category: { eq: Category.TRAFFIC_LIGHT }, ...light } };
  return where;
}
