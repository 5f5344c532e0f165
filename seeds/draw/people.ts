import type { Rgb } from '../colour.js';
import type { Category, Rectangle } from '../manifest.js';
import { between, chance, pick } from '../random.js';
import { disc, line, oval, path, px, rect, type Stage } from '../stage.js';

export interface DrawnPart {
  category: Category;
  box: Rectangle;
}
export interface DrawnPerson {
  z: number;
  svg: string;
  parts: DrawnPart[];
}

const CLOTHES: Rgb[] = [
  [40, 44, 58],
  [90, 40, 44],
  [52, 84, 120],
  [200, 196, 186],
  [110, 104, 92],
  [60, 92, 70],
  [210, 170, 80],
];
const UMBRELLAS: Rgb[] = [
  [226, 230, 234],
  [30, 34, 48],
  [190, 44, 52],
  [60, 120, 180],
  [120, 170, 90],
];
const SKIN: Rgb = [214, 176, 148];

/** Someone on foot; in rain and snow most carry an umbrella, which belongs to the box. */
export function drawPerson(stage: Stage, x: number, z: number): DrawnPerson {
  const { random, mood } = stage;
  const s = stage.scaleAt(z) * between(random, 0.92, 1.05);
  const at = stage.project({ x, y: 0, z });
  const [legs, coat] = [pick(random, CLOTHES), pick(random, CLOTHES)];
  const stride = between(random, 0.06, 0.2) * s;
  const dark = stage.lit(legs, z, 0.9);
  let svg = oval(at.x, at.y, 0.3 * s, 0.07 * s, '#0c0d10', ' opacity="0.3"');
  svg += line(at.x, at.y - 0.85 * s, at.x - stride, at.y, dark, 0.17 * s, ' stroke-linecap="round"');
  svg += line(at.x, at.y - 0.85 * s, at.x + stride, at.y, dark, 0.17 * s, ' stroke-linecap="round"');
  svg += rect(at.x - 0.22 * s, at.y - 1.45 * s, 0.44 * s, 0.7 * s, stage.lit(coat, z, 0.9), 0.12 * s);
  svg += disc(at.x, at.y - 1.6 * s, 0.125 * s, stage.lit(SKIN, z, 0.9));
  svg += path(halfDisc(at.x, at.y - 1.62 * s, 0.14 * s), stage.lit([34, 28, 26], z, 0.6));
  const box = { x: at.x - 0.26 * s, y: at.y - 1.76 * s, width: 0.52 * s, height: 1.76 * s };
  if ((mood.streaks > 0 || mood.flakes > 0) && chance(random, mood.streaks > 0 ? 0.85 : 0.4)) {
    svg += umbrella(stage, at.x, at.y, s, z);
    Object.assign(box, { x: at.x - 0.55 * s, y: at.y - 2.16 * s, width: 1.1 * s, height: 2.16 * s });
  }
  return { z, svg, parts: [{ category: 'PERSON', box }] };
}

const halfDisc = (x: number, y: number, r: number) =>
  `M${px(x - r)},${px(y)}A${px(r)},${px(r)} 0 0 1 ${px(x + r)},${px(y)}Z`;

function umbrella(stage: Stage, x: number, ground: number, s: number, z: number): string {
  const y = ground - 1.66 * s;
  const colour = pick(stage.random, UMBRELLAS);
  const d = `M${px(x - 0.55 * s)},${px(y)}A${px(0.55 * s)},${px(0.5 * s)} 0 0 1 ${px(x + 0.55 * s)},${px(y)}Z`;
  return (
    line(x, y, x, y + 0.6 * s, stage.lit([70, 70, 74], z), 0.04 * s) + path(d, stage.lit(colour, z, 0.8))
  );
}

/** A bicycle seen from the side, with its rider: two boxes, as the data sets label them. */
export function drawCyclist(stage: Stage, x: number, z: number): DrawnPerson {
  const { random, mood } = stage;
  const s = stage.scaleAt(z);
  const at = stage.project({ x, y: 0, z });
  const way = chance(random, 0.5) ? 1 : -1;
  const ink = stage.lit(pick(random, CLOTHES), z, 0.9);
  const dark = stage.lit([30, 30, 34], z, 0.9);
  const X = (m: number) => at.x + way * m * s;
  const Y = (m: number) => at.y - m * s;
  const wheel = (m: number) =>
    `<circle cx="${px(X(m))}" cy="${px(Y(0.33))}" r="${px(0.31 * s)}" fill="none" stroke="${dark}" stroke-width="${px(0.055 * s)}"/>`;
  const bar = (a: number, b: number, c: number, d: number, w = 0.05, fill = dark) =>
    line(X(a), Y(b), X(c), Y(d), fill, Math.max(0.6, w * s), ' stroke-linecap="round"');
  let svg = oval(at.x, at.y, 0.85 * s, 0.07 * s, '#0c0d10', ' opacity="0.3"') + wheel(-0.52) + wheel(0.52);
  svg += bar(-0.52, 0.33, -0.18, 0.85) + bar(-0.18, 0.85, 0.36, 0.8) + bar(0.52, 0.33, 0.36, 1.02);
  svg += bar(-0.05, 0.35, 0.36, 0.8) + bar(-0.52, 0.33, -0.05, 0.35) + bar(0.36, 1.02, 0.28, 1.06);
  svg += bar(-0.16, 0.95, 0.1, 0.45, 0.15, ink) + bar(-0.14, 0.98, 0.14, 1.42, 0.3, ink);
  svg += bar(0.1, 1.35, 0.36, 1.02, 0.1, ink) + disc(X(0.2), Y(1.62), 0.13 * s, stage.lit(SKIN, z, 0.9));
  svg += path(halfDisc(X(0.2), Y(1.64), 0.15 * s), stage.lit([180, 40, 44], z, 0.8));
  if (mood.headlights) svg += stage.bleed(X(0.42), Y(0.9), 0.06 * s, '#f4f6ff', at.y);
  const bicycle = { x: at.x - 0.86 * s, y: Y(1.1), width: 1.72 * s, height: 1.1 * s };
  const left = Math.min(X(-0.3), X(0.42));
  const rider = { x: left, y: Y(1.79), width: 0.72 * s, height: 1.44 * s };
  return {
    z,
    svg,
    parts: [
      { category: 'BICYCLE', box: bicycle },
      { category: 'RIDER', box: rider },
    ],
  };
}
