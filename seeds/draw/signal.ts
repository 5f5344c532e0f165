import { css, hsl, mix, scale, type Rgb } from '../colour.js';
import type { Arrow, LightColor, ManifestBox, Rectangle } from '../manifest.js';
import { between, chance, pick, type Random } from '../random.js';
import { disc, line, oval, path, px, rect, type Stage } from '../stage.js';

export interface Signal {
  x: number;
  /** Height of the housing's centre in metres. */
  y: number;
  z: number;
  /** Japan hangs them horizontally, except where snow would pile up; most others vertically. */
  horizontal: boolean;
  role: 'VEHICLE' | 'PEDESTRIAN';
  color: LightColor;
  /** Lit green arrows: below a Japanese signal in a housing of their own, elsewhere in the lens. */
  arrows: Arrow[];
  /** Share of the housing that a branch hides, on its dark side; 0 for none. */
  hidden: number;
}

const GREY: Rgb = [120, 118, 112];

/** A lens is 0.30 m wide, a vehicle's housing 1.25 m × 0.45 m. */
const PITCH = 0.4;
const LENS = 0.155;
export const HOUSING = { long: 1.25, short: 0.45 };
const SLOTS: LightColor[] = ['GREEN', 'YELLOW', 'RED'];

type Lit = 'RED' | 'YELLOW' | 'GREEN';

/** Where hue jitters to: LED reds lean to orange, Japanese greens to blue, ambers either way. */
const HUES: Record<Lit, readonly [number, number]> = { RED: [-10, 9], YELLOW: [36, 51], GREEN: [138, 178] };
/** A saturated sensor turns reds to orange and ambers with them: the two nearly meet, as in real night pictures. */
const NIGHT_HUES: Record<Lit, readonly [number, number]> = {
  RED: [-8, 27],
  YELLOW: [27, 52],
  GREEN: [120, 182],
};

interface Lamp {
  x: number;
  y: number;
  r: number;
}

export interface DrawnSignal {
  svg: string;
  box: ManifestBox;
}

export function drawSignal(stage: Stage, signal: Signal): DrawnSignal {
  const s = stage.scaleAt(signal.z);
  const at = stage.project(signal);
  const slots = signal.role === 'PEDESTRIAN' ? (['GREEN', 'RED'] as LightColor[]) : SLOTS;
  const long = PITCH * s * slots.length + 0.05 * s;
  const short = HOUSING.short * s;
  const [w, h] = signal.horizontal ? [long, short] : [short, long];
  const housing = { x: at.x - w / 2, y: at.y - h / 2, width: w, height: h };
  // Japan reads green, yellow, red from the left; a vertical signal has red on top.
  const lamps = slots.map((_, i): Lamp => {
    const d = (i - (slots.length - 1) / 2) * PITCH * s;
    return { x: at.x + (signal.horizontal ? d : 0), y: at.y - (signal.horizontal ? 0 : d), r: LENS * s };
  });
  const litAt = slots.indexOf(signal.color);
  let svg = body(stage, signal, housing);
  lamps.forEach((lamp, i) => {
    svg += i === litAt ? '' : unlit(stage, signal, lamp, slots[i]!);
  });
  if (litAt >= 0) svg += lit(stage, signal, lamps[litAt]!, housing);
  svg += strayLight(stage, housing);
  const below = arrowHousing(stage, signal, housing);
  svg += below.svg;
  if (signal.hidden > 0) svg += foliage(stage, signal, housing, litAt, slots.length);
  const box = { ...housing, height: housing.height + below.height };
  return { svg, box: describe(signal, box) };
}

function describe(signal: Signal, box: Rectangle): ManifestBox {
  const { color, arrows, role, hidden } = signal;
  return { category: 'TRAFFIC_LIGHT', ...box, color, arrows, role, occluded: hidden > 0 };
}

function body(stage: Stage, { z, horizontal }: Signal, at: Rectangle) {
  const { random, mood } = stage;
  const tone = between(random, 34, 96);
  const paint: Rgb = [tone, tone * 1.02, tone * 1.04];
  const rx = Math.min(at.width, at.height) * (horizontal ? 0.45 : 0.16);
  let svg = '';
  if (!horizontal && chance(random, 0.35)) {
    // A back plate with its pale rim.
    const m = at.width * 0.28;
    svg += rect(at.x - m, at.y - m, at.width + 2 * m, at.height + 2 * m, stage.lit([22, 22, 24], z), 1);
  }
  svg += rect(at.x, at.y, at.width, at.height, stage.lit(paint, z), rx);
  if (mood.snow && chance(random, 0.7)) {
    svg += rect(at.x, at.y - at.height * 0.1, at.width, at.height * 0.16, stage.lit([246, 249, 253], z), 1);
  }
  return svg;
}

const hueOf = (random: Random, color: Lit, dark = false) =>
  between(random, ...(dark ? NIGHT_HUES : HUES)[color]);

/** A dark lens keeps a trace of its colour, and by day a reflex of the sky. */
function unlit(stage: Stage, { z }: Signal, { x, y, r }: Lamp, color: LightColor): string {
  const { random, mood } = stage;
  const hue = hueOf(random, color as Lit);
  // Low sun from behind makes every lens look faintly lit: the classic phantom.
  const phantom = mood.sun && chance(random, 0.2) ? 0.1 : 0;
  const glass = hsl(hue, 0.35 + phantom, 0.14 + phantom + between(random, 0, 0.05));
  return disc(x, y, r, stage.lit(glass, z)) + visor(stage, z, { x, y, r });
}

function visor(stage: Stage, z: number, { x, y, r }: Lamp): string {
  if (r < 2.2) return '';
  const d = `M${px(x - r * 1.05)},${px(y)}A${px(r * 1.05)},${px(r * 1.05)} 0 0 1 ${px(x + r * 1.05)},${px(y)}`;
  const stroke = stage.lit([24, 24, 26], z);
  return `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${px(r * 0.24)}"/>`;
}

function lit(stage: Stage, signal: Signal, lamp: Lamp, housing: { y: number; height: number }): string {
  const { mood, random } = stage;
  const { x, y, r } = lamp;
  const { z, role } = signal;
  const isDark = mood.ambient[0] < 0.3;
  const color = signal.color as Lit;
  const pure = hsl(hueOf(random, color, isDark), between(random, 0.82, 1), between(random, 0.48, 0.6));
  // Day: the lamp competes with the sky and may look faint. Night: it saturates the sensor and turns white inside.
  const washed = mood.sun ? 0.15 : mood.wet > 0 ? 0.45 : 0.12;
  const shown = isDark
    ? mix(pure, [255, 250, 235], between(random, 0.1, 0.6))
    : mix(pure, GREY, washed * random());
  const rim = stage.glowing(shown, z);
  const heart = mix(shown, [255, 255, 246], isDark ? between(random, 0.7, 1) : between(random, 0.1, 0.4));
  const ground = stage.project({ x: 0, y: 0, z }).y;
  let svg = stage.bleed(x, y, r, css(mix(shown, [255, 255, 255], 0.1)), ground, between(random, 0.7, 1.15));
  svg += disc(x, y, r, rim);
  svg += disc(x, y, r * (isDark ? 1 : 0.8), stage.halo(stage.glowing(heart, z), 0.95, isDark ? 0.5 : 0.1));
  if (role === 'PEDESTRIAN') svg += figure(x, y, r);
  else if (!signal.horizontal && signal.arrows.length > 0)
    svg += mask(stage, z, lamp) + arrow(signal.arrows[0]!, lamp, rim);
  else svg += visor(stage, z, lamp);
  return svg + (isDark && housing.height > 0 ? star(stage, x, y, r, css(pure)) : '');
}

/** Neon signs and other people's lamps beside or behind the signal; drops on the windscreen spread them over it. */
function strayLight(stage: Stage, at: Rectangle): string {
  const { mood, random } = stage;
  if (mood.ambient[0] >= 0.3 || !chance(random, mood.wet > 0 ? 0.6 : 0.5)) return '';
  const colour = css(pick(random, STRAY));
  const long = Math.max(at.width, at.height);
  const x = at.x + at.width / 2 + between(random, -0.7, 0.7) * long;
  const y = at.y + at.height / 2 + between(random, -0.7, 0.7) * long;
  const strength = between(random, 0.4, 0.95);
  return disc(x, y, long * between(random, 0.35, 0.9), stage.halo(colour, strength, 0.08));
}

const STRAY: Rgb[] = [
  [255, 236, 200],
  [255, 190, 110],
  [255, 90, 70],
  [120, 235, 190],
  [235, 240, 255],
];

/** Bright lamps on a greasy windscreen grow rays. */
function star(stage: Stage, x: number, y: number, r: number, colour: string): string {
  if (!chance(stage.random, 0.35)) return '';
  const a = between(stage.random, 0, Math.PI);
  const reach = r * between(stage.random, 2.5, 5);
  const [dx, dy] = [Math.cos(a) * reach, Math.sin(a) * reach];
  return line(x - dx, y - dy, x + dx, y + dy, colour, Math.max(0.5, r * 0.18), ' opacity="0.4"');
}

const figure = (x: number, y: number, r: number) =>
  disc(x, y - r * 0.45, r * 0.2, '#16202a', ' opacity="0.55"') +
  rect(x - r * 0.18, y - r * 0.2, r * 0.36, r * 0.85, '#16202a', r * 0.1, ' opacity="0.55"');

const mask = (stage: Stage, z: number, { x, y, r }: Lamp) =>
  disc(x, y, r, stage.lit([20, 22, 22], z), ' opacity="0.75"');

const TURN: Record<Arrow, number> = { STRAIGHT: 0, RIGHT: 90, LEFT: -90 };

function arrow(direction: Arrow, { x, y, r }: Lamp, colour: string): string {
  const d = `M0,${px(-r * 0.85)}L${px(r * 0.7)},${px(-r * 0.05)}L${px(r * 0.24)},${px(-r * 0.05)}L${px(r * 0.24)},${px(r * 0.8)}L${px(-r * 0.24)},${px(r * 0.8)}L${px(-r * 0.24)},${px(-r * 0.05)}L${px(-r * 0.7)},${px(-r * 0.05)}Z`;
  return path(d, colour, ` transform="translate(${px(x)} ${px(y)}) rotate(${TURN[direction]})"`);
}

/** Under a Japanese signal: a second row with left, straight, right, of which some are lit. */
function arrowHousing(stage: Stage, signal: Signal, at: Rectangle) {
  if (!signal.horizontal || signal.arrows.length === 0) return { svg: '', height: 0 };
  const s = stage.scaleAt(signal.z);
  const y = at.y + at.height * 1.04;
  let svg = rect(at.x, y, at.width, at.height, stage.lit([52, 53, 55], signal.z), at.height * 0.45);
  (['LEFT', 'STRAIGHT', 'RIGHT'] as const).forEach((direction, i) => {
    const lamp = { x: at.x + at.width / 2 + (i - 1) * PITCH * s, y: y + at.height / 2, r: LENS * s };
    svg += disc(lamp.x, lamp.y, lamp.r, stage.lit([20, 26, 24], signal.z));
    if (!signal.arrows.includes(direction)) return;
    const colour = css(hsl(hueOf(stage.random, 'GREEN'), 0.9, 0.55));
    svg += stage.bleed(lamp.x, lamp.y, lamp.r, colour, undefined, 0.6) + arrow(direction, lamp, colour);
  });
  return { svg, height: at.height * 1.04 };
}

/** Leaves or a sign's edge over the end of the housing that is not lit. */
function foliage(stage: Stage, signal: Signal, at: Rectangle, litAt: number, slots: number): string {
  const { random, mood } = stage;
  const size = Math.min(at.width, at.height);
  const long = Math.max(at.width, at.height);
  // From the end that is farther from the lit lens.
  const fromEnd = litAt < slots / 2;
  const tone: Rgb = mood.snow ? [120, 112, 104] : [52, 84, 44];
  let svg = '';
  for (let i = 0; i < 9; i++) {
    const along = between(random, -0.12, signal.hidden) * long;
    const across = between(random, -0.25, 1.1) * size;
    const d = fromEnd ? long - along : along;
    const [x, y] = signal.horizontal ? [at.x + d, at.y + across] : [at.x + across, at.y + at.height - d];
    const fill = stage.lit(scale(tone, between(random, 0.7, 1.25)), signal.z);
    const turn = ` transform="rotate(${px(between(random, 0, 180))} ${px(x)} ${px(y)})"`;
    svg += oval(x, y, size * between(random, 0.22, 0.42), size * between(random, 0.1, 0.2), fill, turn);
  }
  return svg;
}
