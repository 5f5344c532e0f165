import { css, scale, type Rgb } from '../colour.js';
import type { Category, Rectangle } from '../manifest.js';
import { chance, pick } from '../random.js';
import { oval, path, px, rect, type Stage } from '../stage.js';

export interface Placed {
  category: Category;
  x: number;
  z: number;
  /** Coming towards us: its head-lamps show. */
  oncoming: boolean;
}
export interface Drawn {
  z: number;
  svg: string;
  category: Category;
  box: Rectangle;
}

const PAINTS: Rgb[] = [
  [236, 238, 240],
  [236, 238, 240],
  [30, 32, 36],
  [140, 146, 152],
  [190, 194, 198],
  [150, 28, 32],
  [34, 66, 128],
  [64, 84, 74],
  [196, 168, 120],
];
const LIVERIES: Rgb[] = [
  [210, 60, 50],
  [60, 140, 90],
  [40, 110, 180],
  [235, 200, 70],
  [236, 236, 230],
];
const GLASS: Rgb = [44, 54, 64];
const HEAD = '#fff3d6';
const TAIL = '#ff2a1c';

/** A body in its own metres: x to the right of its middle, y up from the road. */
interface Frame {
  stage: Stage;
  z: number;
  s: number;
  cx: number;
  ground: number;
}

export function drawVehicle(stage: Stage, placed: Placed): Drawn {
  const s = stage.scaleAt(placed.z);
  const base = stage.project({ x: placed.x, y: 0, z: placed.z });
  const frame: Frame = { stage, z: placed.z, s, cx: base.x, ground: base.y };
  const [width, height] = SIZES[placed.category as keyof typeof SIZES];
  const svg = shadow(frame, width) + BODIES[placed.category as keyof typeof BODIES](frame, placed.oncoming);
  const box = { x: base.x - (width / 2) * s, y: base.y - height * s, width: width * s, height: height * s };
  return { z: placed.z, svg, category: placed.category, box };
}

const SIZES = { CAR: [1.78, 1.5], BUS: [2.5, 3.15], TRUCK: [2.35, 3], MOTORCYCLE: [0.8, 1.7] } as const;
const BODIES = { CAR: car, BUS: bus, TRUCK: truck, MOTORCYCLE: motorcycle };

/** x1, y1 is the lower left corner in the body's metres. */
function block(f: Frame, x1: number, y1: number, x2: number, y2: number, fill: string, rx = 0): string {
  return rect(f.cx + x1 * f.s, f.ground - y2 * f.s, (x2 - x1) * f.s, (y2 - y1) * f.s, fill, rx * f.s);
}

function shape(f: Frame, points: [number, number][], fill: string): string {
  const at = points.map(([x, y]) => `${px(f.cx + x * f.s)},${px(f.ground - y * f.s)}`);
  return path(`M${at.join('L')}Z`, fill);
}

function shadow(f: Frame, width: number): string {
  const { wet, ambient } = f.stage.mood;
  const dark = Math.max(0.22, 0.5 * ambient[0]);
  const under = oval(
    f.cx,
    f.ground,
    width * 0.58 * f.s,
    0.16 * f.s,
    '#0c0d10',
    ` opacity="${dark.toFixed(2)}"`,
  );
  if (!wet) return castShadow(f, width) + under;
  // Its dark mirror image on the wet road.
  const h = 1.1 * f.s;
  const fill = f.stage.ramp([
    [0, '#15171b', 0.5 * wet],
    [1, '#15171b', 0],
  ]);
  return rect(f.cx - width * 0.46 * f.s, f.ground, width * 0.92 * f.s, h, fill) + under;
}

/** Under a clear sky: long to the side away from the sun. */
function castShadow(f: Frame, width: number): string {
  const { mood, sunSide, side } = f.stage;
  if (mood.ambient[0] < 0.9 || mood.clouds === 'deck') return '';
  const at = f.cx + side * sunSide * width * 0.5 * f.s;
  return oval(at, f.ground, width * 0.75 * f.s, 0.22 * f.s, '#101318', ' opacity="0.4"');
}

const paint = (f: Frame, colour: Rgb) => f.stage.lit(colour, f.z, 0.9);

const ROOF: [number, number][] = [
  [-0.86, 0.8],
  [-0.62, 1.48],
  [-0.5, 1.5],
  [0.5, 1.5],
  [0.62, 1.48],
  [0.86, 0.8],
];

function car(f: Frame, oncoming: boolean): string {
  const colour = pick(f.stage.random, PAINTS);
  const body = paint(f, colour);
  let svg = block(f, -0.82, 0, -0.56, 0.5, paint(f, [22, 22, 24]), 0.06);
  svg += block(f, 0.56, 0, 0.82, 0.5, paint(f, [22, 22, 24]), 0.06);
  svg += shape(f, ROOF, body) + block(f, -0.89, 0.28, 0.89, 0.95, body, 0.14) + carWindow(f);
  svg += block(f, -0.86, 0.25, 0.86, 0.42, paint(f, scale(colour, 0.6)), 0.05);
  svg += block(f, -0.2, 0.45, 0.2, 0.6, paint(f, oncoming ? [40, 42, 46] : [238, 238, 226]), 0.02);
  if (oncoming) svg += block(f, -0.5, 0.58, 0.5, 0.72, paint(f, [30, 32, 34]), 0.03);
  if (f.stage.mood.snow) svg += block(f, -0.56, 1.44, 0.56, 1.58, paint(f, [250, 252, 255]), 0.06);
  return svg + lamps(f, oncoming, 0.68, 0.7, 0.14);
}

/** Dark glass with a reflex across its left half. */
function carWindow(f: Frame): string {
  const glass = (right: [number, number][], fill: Rgb) =>
    shape(f, [[-0.72, 0.95], [-0.55, 1.4], ...right], paint(f, fill));
  const whole = glass(
    [
      [0.55, 1.4],
      [0.72, 0.95],
    ],
    GLASS,
  );
  return (
    whole +
    glass(
      [
        [-0.2, 1.4],
        [-0.45, 0.95],
      ],
      [92, 108, 122],
    )
  );
}

/** Lamps glow by night and in bad weather; braking tail lamps glow by day too. */
function lamps(f: Frame, oncoming: boolean, x: number, y: number, r: number): string {
  const { stage, z } = f;
  const { mood, random } = stage;
  const isDark = mood.ambient[0] < 0.3;
  const on = mood.headlights || (!oncoming && chance(random, 0.4));
  let svg = '';
  for (const side of [-1, 1]) {
    const at = { x: f.cx + side * x * f.s, y: f.ground - y * f.s };
    const size = r * f.s;
    if (!on) {
      const glass = stage.lit(oncoming ? [222, 226, 230] : [120, 24, 22], z);
      svg += oval(at.x, at.y, size * 1.2, size * 0.7, glass);
      continue;
    }
    const colour = oncoming ? HEAD : TAIL;
    const strength = oncoming ? (isDark ? 1.45 : 0.9) : 0.75;
    svg += oval(
      at.x,
      at.y,
      size * 1.1,
      size * 0.75,
      stage.glowing(oncoming ? [255, 250, 232] : [255, 58, 40], z),
    );
    svg += stage.bleed(at.x, at.y, size * (oncoming && isDark ? 2 : 1.1), colour, f.ground + 1, strength);
    if (isDark && oncoming) svg += oval(at.x, at.y, size * 1.2, size * 1.1, '#fffdf4');
  }
  return svg;
}

function bus(f: Frame, oncoming: boolean): string {
  const { stage } = f;
  const stripe = pick(stage.random, LIVERIES);
  const isDark = stage.mood.ambient[0] < 0.6;
  const glass = isDark ? stage.glowing([214, 206, 170], f.z) : paint(f, [58, 72, 84]);
  let svg =
    block(f, -1.1, 0, -0.8, 0.6, paint(f, [20, 20, 22])) + block(f, 0.8, 0, 1.1, 0.6, paint(f, [20, 20, 22]));
  svg += block(f, -1.25, 0.32, 1.25, 3.15, paint(f, [232, 230, 222]), 0.16);
  svg += block(f, -1.25, 0.75, 1.25, 1.2, paint(f, stripe));
  svg += block(f, -1.12, 1.35, 1.12, 2.5, glass, 0.1);
  svg += block(f, -0.04, 1.35, 0.04, 2.5, paint(f, [60, 62, 66]));
  svg += block(f, -0.85, 2.62, 0.85, 2.98, paint(f, [18, 18, 20]), 0.04);
  const sign = stage.glowing([255, 170, 50], f.z);
  svg += block(f, -0.7, 2.7, 0.1, 2.9, sign) + block(f, 0.25, 2.7, 0.65, 2.9, sign);
  svg += block(f, -0.25, 0.45, 0.25, 0.62, paint(f, [60, 120, 80]));
  return svg + lamps(f, oncoming, 0.98, 0.62, 0.15);
}

function truck(f: Frame, oncoming: boolean): string {
  const { random } = f.stage;
  const cargo = pick(random, [
    [226, 228, 230],
    [176, 186, 196],
    [80, 110, 150],
  ] as Rgb[]);
  let svg =
    block(f, -1, 0, -0.7, 0.7, paint(f, [20, 20, 22])) + block(f, 0.7, 0, 1, 0.7, paint(f, [20, 20, 22]));
  svg += block(f, -1.17, 0.75, 1.17, 3, paint(f, cargo), 0.03);
  svg += block(f, -1.1, 0.5, 1.1, 0.8, paint(f, [70, 72, 76]));
  if (oncoming) {
    svg += block(f, -1.02, 0.5, 1.02, 2.2, paint(f, pick(random, LIVERIES)), 0.1);
    svg += block(f, -0.9, 1.25, 0.9, 2, paint(f, GLASS), 0.06);
  } else {
    svg += block(f, -0.02, 0.85, 0.02, 2.9, paint(f, scale(cargo, 0.6)));
    svg += block(f, -1.1, 0.8, 1.1, 0.9, paint(f, [196, 60, 44]));
  }
  return svg + lamps(f, oncoming, 0.85, 0.62, 0.13);
}

function motorcycle(f: Frame, oncoming: boolean): string {
  const { stage } = f;
  const jacket = paint(f, pick(stage.random, PAINTS));
  let svg = block(f, -0.1, 0, 0.1, 0.62, paint(f, [20, 20, 22]), 0.08);
  svg += block(f, -0.36, 0.82, 0.36, 0.9, paint(f, [50, 52, 56]), 0.04);
  svg += shape(
    f,
    [
      [-0.2, 0.5],
      [-0.24, 0.85],
      [0.24, 0.85],
      [0.2, 0.5],
    ],
    paint(f, pick(stage.random, PAINTS)),
  );
  svg += shape(
    f,
    [
      [-0.28, 0.75],
      [-0.24, 1.36],
      [0.24, 1.36],
      [0.28, 0.75],
    ],
    jacket,
  );
  svg += oval(f.cx, f.ground - 1.54 * f.s, 0.15 * f.s, 0.16 * f.s, paint(f, pick(stage.random, LIVERIES)));
  const on = stage.mood.headlights || oncoming;
  const colour = oncoming ? HEAD : TAIL;
  const y = f.ground - 0.72 * f.s;
  svg += oval(f.cx, y, 0.1 * f.s, 0.08 * f.s, on ? colour : css([110, 24, 22]));
  return svg + (on ? stage.bleed(f.cx, y, 0.1 * f.s, colour, f.ground, oncoming ? 1 : 0.7) : '');
}
