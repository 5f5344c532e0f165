import { drawSignal, HOUSING, type Signal } from './draw/signal.js';
import type { Street } from './draw/road.js';
import { drawMast } from './draw/street.js';
import type { Seen } from './labels.js';
import type { Arrow, LightColor } from './manifest.js';
import type { Shot } from './plan.js';
import { between, chance, pick } from './random.js';
import { HEIGHT, overlap, WIDTH, type Stage, type Thing } from './stage.js';

export interface PlacedSignal {
  thing: Thing;
  seen: Seen;
}

const MOST = 4;
/** Pixels: a longer housing would be a head right above the bumper. */
const LONGEST = 50;
/** Snow slides off a vertical housing: the north of Japan hangs them so, as do most other countries. */
const VERTICAL_CITIES = new Set(['Sapporo', 'Niigata']);

/** One or two heads at each junction, the same colour at one junction; and now and then one for people on foot. */
export function placeSignals(stage: Stage, street: Street, shot: Shot): PlacedSignal[] {
  const { random } = stage;
  const horizontal = shot.place.country === 'Japan' && !VERTICAL_CITIES.has(shot.place.city);
  const placed: PlacedSignal[] = [];
  street.junctions.forEach(([from, to], junction) => {
    const color = shot.colors[junction]!;
    const arrows = arrowsFor(stage, color, horizontal);
    const spots = [
      { x: between(random, -1.6, 1.4), z: to - 0.5, kerb: street.left - 0.4 },
      { x: street.right - between(random, 0, 1.2), z: to - 0.4, kerb: street.right + 0.4 },
      { x: street.left + between(random, 0, 0.8), z: from + 0.5, kerb: street.left - 0.4 },
    ];
    const wanted = chance(random, 0.6) ? 2 : 1;
    let made = 0;
    for (const spot of spots) {
      if (made === wanted || placed.length === MOST) break;
      const signal: Signal = {
        ...spot,
        y: 0,
        horizontal,
        role: 'VEHICLE',
        color,
        arrows,
        hidden: cover(stage),
      };
      const head = fit(stage, signal, spot.kerb, placed);
      if (head) made = placed.push(head) && made + 1;
    }
    const walks = color === 'RED' || color === 'GREEN';
    if (walks && junction === 0 && placed.length < MOST && chance(random, 0.3)) {
      const walk = pedestrian(stage, street, color, placed);
      if (walk) placed.push(walk);
    }
  });
  return placed;
}

/** One head in nine is partly hidden. */
const cover = (stage: Stage) => (chance(stage.random, 0.11) ? between(stage.random, 0.15, 0.4) : 0);

function arrowsFor(stage: Stage, color: LightColor, horizontal: boolean): Arrow[] {
  const { random } = stage;
  // Japan lights green arrows under a red; elsewhere the green lens itself is an arrow.
  if (!chance(random, 0.16) || color !== (horizontal ? 'RED' : 'GREEN')) return [];
  if (!horizontal) return [pick(random, ['LEFT', 'RIGHT', 'STRAIGHT'] as const)];
  return pick(random, [['RIGHT'], ['LEFT', 'STRAIGHT'], ['LEFT']] as Arrow[][]);
}

/** Hangs it at its height if that is in the picture and touches no other; lowers it a little otherwise. */
function fit(stage: Stage, signal: Signal, kerb: number, others: PlacedSignal[]): PlacedSignal | null {
  const s = stage.scaleAt(signal.z);
  if (HOUSING.long * s > LONGEST) return null;
  const wide = (signal.horizontal ? HOUSING.long : HOUSING.short) / 2;
  const tall = signal.horizontal ? HOUSING.short * 1.6 : HOUSING.long / 2;
  const highest = stage.eye + (stage.horizon - 8) / s - tall;
  const hung = { ...signal, y: Math.min(between(stage.random, 4.7, 5.6), highest) };
  if (hung.y < 3) return null;
  const x = stage.project(hung).x;
  if (x - wide * s < 4 || x + wide * s > WIDTH - 4) return null;
  return finish(stage, hung, kerb, others);
}

function pedestrian(
  stage: Stage,
  street: Street,
  color: LightColor,
  others: PlacedSignal[],
): PlacedSignal | null {
  const left = chance(stage.random, 0.5);
  const x = left ? street.left - 0.9 : street.right + 0.9;
  const z = street.junctions[0]![1] + 0.3;
  const at = stage.project({ x, y: 2.7, z });
  if (at.x < 12 || at.x > WIDTH - 12 || at.y > HEIGHT - 20) return null;
  const signal: Signal = {
    x,
    y: 2.7,
    z,
    horizontal: false,
    role: 'PEDESTRIAN',
    color,
    arrows: [],
    hidden: 0,
  };
  return finish(stage, signal, x, others);
}

function finish(stage: Stage, signal: Signal, kerb: number, others: PlacedSignal[]): PlacedSignal | null {
  const { svg, box } = drawSignal(stage, signal);
  const apart = { x: box.x - 3, y: box.y - 3, width: box.width + 6, height: box.height + 6 };
  if (others.some(({ seen }) => overlap(seen.box, apart) > 0)) return null;
  const { category, x, y, width, height, occluded, ...attributes } = box;
  const seen: Seen = { z: signal.z, category, box: { x, y, width, height }, occluded, attributes };
  return { thing: { z: signal.z, svg: drawMast(stage, signal, kerb) + svg }, seen };
}
