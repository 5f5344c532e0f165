import type { Category, ManifestBox, Rectangle } from './manifest.js';
import { clip, overlap } from './stage.js';

/** A thing with a box, before anyone looked what stands in front of it. */
export interface Seen {
  z: number;
  category: Category;
  box: Rectangle;
  occluded?: boolean;
  attributes?: Pick<ManifestBox, 'color' | 'arrows' | 'role'>;
}

/** Nobody labels what shows less than this. */
const LEAST_SIDE = 4;
const LEAST_SHOWN = 0.2;
const OCCLUDED_FROM = 0.12;

/** The boxes that a careful person would draw, near first. */
export function labelBoxes(things: Seen[]): ManifestBox[] {
  const near = [...things].sort((a, b) => a.z - b.z);
  return near.flatMap((thing, i) => {
    const shown = clip(thing.box);
    if (!shown || Math.min(shown.width, shown.height) < (thing.category === 'TRAFFIC_LIGHT' ? 2 : LEAST_SIDE))
      return [];
    const area = thing.box.width * thing.box.height;
    const inside = (shown.width * shown.height) / area;
    // A rider does not hide the own bicycle: same z.
    const hidden = near
      .slice(0, i)
      .filter((other) => other.z < thing.z && other.category !== 'TRAFFIC_LIGHT')
      .reduce((most, other) => Math.max(most, overlap(other.box, shown) / area), 0);
    if (inside - hidden < LEAST_SHOWN) return [];
    return [
      {
        category: thing.category,
        ...rounded(shown),
        ...thing.attributes,
        occluded: thing.occluded === true || hidden > OCCLUDED_FROM,
      },
    ];
  });
}

/** Hundredths of a pixel; rounded inwards at the right and lower edge, so that a box stays inside its picture. */
function rounded({ x, y, width, height }: Rectangle): Rectangle {
  const cut = (value: number) => Math.floor(value * 100) / 100;
  const [left, top] = [Math.ceil(x * 100) / 100, Math.ceil(y * 100) / 100];
  return { x: left, y: top, width: cut(x + width - left), height: cut(y + height - top) };
}
