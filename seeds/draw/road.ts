import { css, mix, type Rgb } from '../colour.js';
import { between } from '../random.js';
import { HEIGHT, path, rect, WIDTH, type Stage } from '../stage.js';

export interface Street {
  /** Kerbs, in metres from the lens. */
  left: number;
  right: number;
  /** The line between the directions. */
  centre: number;
  /** Boundaries of lanes that go the same way. */
  lanes: number[];
  /** Cross streets, near first: [from, to] in z. */
  junctions: [number, number][];
}

const FAR = 260;
const ASPHALT: Rgb = [92, 94, 98];
const PAINT: Rgb = [232, 232, 226];

/** Ground, carriageway, cross streets and markings. */
export function drawRoad(stage: Stage, street: Street): string {
  const { mood, horizon } = stage;
  const ground: Rgb = mood.snow ? [238, 242, 248] : [150, 146, 140];
  const surface = mood.snow ? mix(ASPHALT, [216, 221, 228], 0.62) : ASPHALT;
  const wet = mix(surface, [46, 50, 56], mood.wet * 0.55);
  let svg = rect(
    0,
    horizon,
    WIDTH,
    HEIGHT - horizon,
    sheet(stage, mix(ground, [90, 92, 96], mood.wet * 0.4)),
  );
  svg += path(quad(stage, street.left, street.right, 1.2, FAR), sheet(stage, wet));
  for (const [from, to] of street.junctions) {
    svg += path(quad(stage, -70, 70, from, to), stage.lit(wet, from, 1));
  }
  svg += kerb(stage, street.left) + kerb(stage, street.right);
  if (mood.wet) svg += sheen(stage, street);
  if (mood.snow) svg += ruts(stage, street);
  return svg + markings(stage, street);
}

/** Colour of the ground from the horizon (hazed) to our bumper (lit by our own lamps). */
function sheet(stage: Stage, colour: Rgb): string {
  const depths = [200, 60, 30, 16, 9, 5];
  const span = HEIGHT - stage.horizon;
  return stage.ramp(
    depths.map((z) => {
      const y = (stage.eye * stage.scaleAt(z)) / span;
      return [Math.min(1, y), stage.lit(colour, z, 1), 1] as const;
    }),
    [stage.horizon, HEIGHT],
  );
}

function quad(stage: Stage, x1: number, x2: number, from: number, to: number): string {
  return stage.polygon([
    { x: x1, y: 0, z: from },
    { x: x2, y: 0, z: from },
    { x: x2, y: 0, z: to },
    { x: x1, y: 0, z: to },
  ]);
}

const kerb = (stage: Stage, x: number) =>
  path(quad(stage, x - 0.12, x + 0.12, 1.2, 120), stage.lit([176, 174, 168], 25, 1), ' opacity="0.8"');

/** Wet asphalt gives the sky back where we look along it. */
function sheen(stage: Stage, street: Street): string {
  const { mood } = stage;
  const sky = css(mood.skyBottom);
  const stops = [
    [0, sky, 0.75 * mood.wet],
    [0.35, sky, 0.34 * mood.wet],
    [1, sky, 0.1 * mood.wet],
  ] as const;
  const fill = stage.ramp([...stops], [stage.horizon, HEIGHT]);
  return path(quad(stage, street.left, street.right, 1.2, FAR), fill);
}

function ruts(stage: Stage, street: Street): string {
  const fill = stage.lit(mix(ASPHALT, [190, 196, 204], 0.3), 14);
  return [street.centre, ...street.lanes, street.left + 0.2]
    .flatMap((x) => [x + 0.8, x + 2.3])
    .map((x) => path(quad(stage, x, x + between(stage.random, 0.3, 0.5), 1.2, 110), fill, ' opacity="0.55"'))
    .join('');
}

function markings(stage: Stage, street: Street): string {
  const { mood } = stage;
  // Snow buries paint, and water drowns it.
  const shown = (mood.snow ? 0.12 : 0.9) * (1 - 0.35 * mood.wet);
  const dashes: string[] = [];
  const inJunction = (z: number) => street.junctions.some(([a, b]) => z > a - 8 && z < b + 1);
  for (const x of street.lanes) {
    for (let z = 2; z < 110; z += 8) {
      if (!inJunction(z) && !inJunction(z + 4)) dashes.push(quad(stage, x - 0.08, x + 0.08, z, z + 4));
    }
  }
  for (let z = 1.5; z < 110; z += 4) {
    if (!inJunction(z) && !inJunction(z + 4)) {
      dashes.push(quad(stage, street.centre - 0.09, street.centre + 0.09, z, z + 4));
    }
  }
  const crossings = street.junctions.flatMap(([from]) => crossing(stage, street, from));
  const fill = stage.lit(PAINT, 16, 1);
  const more = ` opacity="${shown.toFixed(2)}"`;
  return path(dashes.join(''), fill, more) + path(crossings.join(''), fill, more);
}

/** Zebra stripes along the driving direction, and the stop line before them. */
function crossing(stage: Stage, street: Street, from: number): string[] {
  const stripes: string[] = [];
  if (from - 4 < 1.5) return stripes;
  for (let x = street.left + 0.4; x + 0.5 < street.right; x += 1) {
    stripes.push(quad(stage, x, x + 0.5, from - 4, from - 0.8));
  }
  if (from - 6 > 1.5) stripes.push(quad(stage, street.left + 0.1, street.centre - 0.1, from - 6, from - 5.5));
  return stripes;
}
