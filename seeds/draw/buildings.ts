import { css, mix, scale, type Rgb } from '../colour.js';
import { between, chance, pick, type Random } from '../random.js';
import { path, rect, type Point3, type Stage, type Thing } from '../stage.js';

const WALLS: Rgb[] = [
  [196, 184, 166],
  [168, 172, 178],
  [206, 200, 190],
  [150, 118, 98],
  [182, 150, 128],
  [134, 142, 152],
  [214, 212, 204],
  [120, 110, 104],
];
const SHOP_SIGNS: Rgb[] = [
  [226, 60, 50],
  [38, 108, 196],
  [250, 190, 40],
  [40, 160, 90],
  [240, 240, 240],
  [230, 110, 170],
];
const LIT: Rgb[] = [
  [255, 222, 150],
  [255, 240, 205],
  [255, 205, 120],
  [214, 232, 255],
];

interface Block {
  /** Distance of the wall from the lens, signed; the street lies between the two walls. */
  x: number;
  from: number;
  to: number;
  height: number;
  wall: Rgb;
}

/** Two rows of houses that leave the cross streets open. */
export function drawBuildings(
  stage: Stage,
  walls: readonly [number, number],
  gaps: [number, number][],
): Thing[] {
  const things: Thing[] = [];
  for (const x of walls) {
    for (const block of row(stage.random, x, gaps))
      things.push({ z: block.to, svg: drawBlock(stage, block) });
  }
  return things;
}

function row(random: Random, x: number, gaps: [number, number][]): Block[] {
  const blocks: Block[] = [];
  for (let from = between(random, 3.2, 6); from < 150;) {
    const gap = gaps.find(([a, b]) => from >= a - 1 && from < b);
    if (gap) {
      from = gap[1];
      continue;
    }
    const limit = Math.min(...gaps.map(([a]) => a).filter((a) => a > from), 160);
    const to = Math.min(limit, from + between(random, 7, 17));
    const set = between(random, 0, 1.5) * Math.sign(x);
    blocks.push({ x: x + set, from, to, height: between(random, 6, 24), wall: pick(random, WALLS) });
    // A narrow alley now and then.
    from = to + (chance(random, 0.3) ? 1.5 : 0);
  }
  return blocks;
}

function drawBlock(stage: Stage, block: Block): string {
  const { x, from, to, height, wall } = block;
  const near = Math.max(from, 2.5);
  const away = x + Math.sign(x) * 14;
  const face = (z: number): Point3[] => [
    { x, y: 0, z },
    { x, y: height, z },
    { x: away, y: height, z },
    { x: away, y: 0, z },
  ];
  // Under a clear sky one side of the street lies in the shade; under clouds both get the same.
  const clear = stage.mood.wet + stage.mood.snow === 0 && stage.mood.clouds !== 'deck';
  const sunlit = x * stage.sunSide > 0;
  const shade = scale(wall, !clear ? 0.9 : sunlit ? 1.08 : 0.66);
  const side = [
    { x, y: 0, z: near },
    { x, y: height, z: near },
    { x, y: height, z: to },
    { x, y: 0, z: to },
  ];
  let svg = path(stage.polygon(face(near)), stage.lit(wall, near));
  svg += path(stage.polygon(side), stage.lit(shade, (near + to) / 2));
  svg += windows(stage, { ...block, from: near });
  svg += shopFront(stage, { ...block, from: near });
  if (stage.mood.snow) svg += snowCap(stage, { ...block, from: near });
  return svg;
}

function windows(stage: Stage, { x, from, to, height, wall }: Block): string {
  const { random, mood } = stage;
  const dark: string[] = [];
  const lit: string[][] = LIT.map(() => []);
  const inset = -Math.sign(x) * 0.02;
  const pane = (y: number, za: number, zb: number) =>
    stage.polygon([
      { x: x + inset, y, z: za },
      { x: x + inset, y: y + 1.4, z: za },
      { x: x + inset, y: y + 1.4, z: zb },
      { x: x + inset, y, z: zb },
    ]);
  const step = from > 70 ? 4.4 : 2.6;
  for (let y = 4.2; y + 2 < height; y += 2.9) {
    for (let z = from + 0.7; z + 1.5 < to; z += step) {
      const isLit = chance(random, mood.litWindows);
      (isLit ? lit[Math.floor(random() * LIT.length)]! : dark).push(pane(y, z, z + step * 0.58));
    }
  }
  const z = (from + to) / 2;
  const glass = mix(scale(wall, 0.45), mood.ambient[0] < 0.3 ? [40, 46, 60] : [110, 138, 160], 0.5);
  let svg = path(dark.join(''), stage.lit(glass, z));
  lit.forEach((panes, i) => {
    const shown = stage.glowing(scale(LIT[i]!, mood.ambient[0] < 0.3 ? 0.8 : 0.95), z);
    if (panes.length) svg += path(panes.join(''), shown, ` opacity="${between(random, 0.75, 1).toFixed(2)}"`);
  });
  return svg;
}

/** Ground floor: glass, an awning and a sign; after dark it lights the pavement. */
function shopFront(stage: Stage, { x, from, to }: Block): string {
  const { random, mood } = stage;
  if (!chance(random, 0.6) || from > 80) return '';
  const isDark = mood.ambient[0] < 0.6;
  const isOpen = isDark && chance(random, 0.65);
  const inset = x - Math.sign(x) * 0.05;
  const strip = (low: number, high: number) =>
    stage.polygon([
      { x: inset, y: low, z: from + 0.5 },
      { x: inset, y: high, z: from + 0.5 },
      { x: inset, y: high, z: to - 0.5 },
      { x: inset, y: low, z: to - 0.5 },
    ]);
  const z = (from + to) / 2;
  const sign = pick(random, SHOP_SIGNS);
  const glass = isOpen ? stage.glowing(pick(random, LIT), z) : stage.lit([70, 84, 96], z);
  const board = isOpen ? stage.glowing(scale(sign, 0.9), z) : stage.lit(sign, z);
  let svg = path(strip(0.3, 2.5), glass) + path(strip(2.7, 3.5), board);
  if (isOpen && mood.ambient[0] < 0.3) {
    const at = stage.project({ x: inset, y: 1.5, z });
    const r = stage.scaleAt(z) * 4.5;
    svg += rect(at.x - r, at.y - r, 2 * r, 2 * r, stage.halo(css(pick(random, LIT)), 0.3));
  }
  return svg;
}

function snowCap(stage: Stage, { x, from, to, height }: Block): string {
  const band = stage.polygon([
    { x, y: height, z: from },
    { x, y: height + 0.4, z: from },
    { x, y: height + 0.4, z: to },
    { x, y: height, z: to },
  ]);
  return path(band, stage.lit([250, 252, 255], (from + to) / 2));
}
