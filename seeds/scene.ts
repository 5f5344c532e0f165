import { drawBuildings } from './draw/buildings.js';
import { drawCyclist, drawPerson } from './draw/people.js';
import { drawRoad, type Street } from './draw/road.js';
import { drawSky } from './draw/sky.js';
import { drawSign, drawStreetLamp, drawTree, drawUtilityPole, drawWires } from './draw/street.js';
import { drawVehicle } from './draw/vehicles.js';
import { drawAir, placeDrops, type Drop } from './draw/weather.js';
import { labelBoxes, type Seen } from './labels.js';
import type { Category, ManifestBox } from './manifest.js';
import { moodOf, type Mood } from './mood.js';
import { between, chance, intBetween, pickWeighted, seededRandom, type Random } from './random.js';
import type { Shot } from './plan.js';
import { placeSignals } from './signals.js';
import { HEIGHT, overlap, Stage, WIDTH, type Thing } from './stage.js';

export interface Scene {
  svg: string;
  drops: Drop[];
  mood: Mood;
  boxes: ManifestBox[];
}

/** A traffic light must stay readable: whatever would cover more of one than this is not put there. */
const MOST_OF_A_LIGHT = 0.25;

/** Draws one shot. Everything follows from the demo's seed and the shot's number. */
export function composeScene(shot: Shot, seed: number): Scene {
  const driveRandom = seededRandom(seed, 'drive', shot.driveSeed);
  const random = seededRandom(seed, 'shot', shot.index);
  const mood = moodOf(shot.scene, shot.weather === 'PARTLY_CLOUDY', driveRandom);
  const stage = setStage(mood, random, shot.place.country === 'Japan' ? 1 : -1);
  const street = laneOut(random, stage);
  const signals = placeSignals(stage, street, shot);
  const lights = signals.map(({ seen }) => seen);
  const traffic = placeTraffic(stage, street).filter(({ parts, z }) =>
    parts.every(({ box }) => lights.every((light) => !hides(z, box, light))),
  );
  const furniture = furnish(stage, street, lights);
  const walls = [street.left - 3.6, street.right + 3.6] as const;
  const things: Thing[] = drawBuildings(stage, walls, street.junctions);
  things.push(...furniture, ...signals.map(({ thing }) => thing), ...traffic);
  things.sort((a, b) => b.z - a.z);
  const back = drawSky(stage);
  const road = drawRoad(stage, street);
  const body = things.map(({ svg }) => svg).join('');
  const svg = wrap(stage, back + road + body + drawAir(stage));
  const actors = [...traffic, ...furniture].flatMap(({ z, parts }) => parts.map((part) => ({ z, ...part })));
  const boxes = labelBoxes([...lights, ...actors]);
  return { svg, mood, drops: placeDrops(stage), boxes };
}

function hides(z: number, box: Seen['box'], light: Seen): boolean {
  return z < light.z && overlap(box, light.box) > MOST_OF_A_LIGHT * light.box.width * light.box.height;
}

function setStage(mood: Mood, random: Random, side: 1 | -1): Stage {
  const horizon = between(random, 182, 216);
  return new Stage(mood, random, between(random, 270, 370), horizon, between(random, 430, 600), side);
}

function laneOut(random: Random, stage: Stage): Street {
  const lane = between(random, 3, 3.4);
  const beside = intBetween(random, 0, 1);
  const opposite = intBetween(random, 1, 2);
  const centre = lane * 0.52;
  const left = centre - lane * (1 + beside) - 0.5;
  // With the focal length these distances make housings 8 to 48 pixels long.
  const first = between(random, 7.5, 25) * (stage.focal / 500);
  const second = first + 7 + between(random, 14, 36);
  const lanes = beside ? [centre - lane] : [];
  if (opposite === 2) lanes.push(centre + lane);
  return {
    left,
    right: centre + lane * opposite + 0.5,
    centre,
    lanes,
    junctions: [
      [first, first + 7],
      [second, second + 8],
    ],
  };
}

interface Actor extends Thing {
  parts: { category: Category; box: Seen['box'] }[];
}

function placeTraffic(stage: Stage, street: Street): Actor[] {
  const { random } = stage;
  const actors: Actor[] = [];
  const depth = () => 7 + 62 * random() ** 1.5;
  const vehicles = intBetween(random, 2, 7);
  const kinds = [
    ['CAR', 12],
    ['BUS', 2],
    ['TRUCK', 2],
    ['MOTORCYCLE', 2],
  ] as const;
  const used: { lane: number; z: number }[] = [];
  const lanes = [0, street.centre * 2.9, ...street.lanes.map((x) => (x < 0 ? x - 1.5 : x + 1.6))];
  for (let i = 0; i < vehicles; i++) {
    const lane = intBetween(random, 0, lanes.length - 1);
    const x = lanes[lane]! + between(random, -0.25, 0.25);
    const z = lane === 0 ? Math.max(9, depth()) : depth();
    if (used.some((other) => other.lane === lane && Math.abs(other.z - z) < 7)) continue;
    used.push({ lane, z });
    const { svg, category, box } = drawVehicle(stage, {
      category: pickWeighted(random, kinds),
      x,
      z,
      oncoming: x > street.centre,
    });
    actors.push({ z, svg, parts: [{ category, box }] });
  }
  for (let i = intBetween(random, 1, 6); i > 0; i--) actors.push(walker(stage, street, depth()));
  if (chance(random, 0.45)) {
    const x = chance(random, 0.5)
      ? street.left - between(random, 0.3, 2)
      : street.right + between(random, 0.3, 2);
    actors.push(drawCyclist(stage, x, depth()));
  }
  return actors;
}

/** On a pavement, or on the zebra. */
function walker(stage: Stage, street: Street, z: number): Actor {
  const { random } = stage;
  const [from] = street.junctions[0]!;
  if (chance(random, 0.35))
    return drawPerson(stage, between(random, street.left, street.right), from - between(random, 1, 3.6));
  const x = chance(random, 0.5)
    ? street.left - between(random, 0.5, 2.8)
    : street.right + between(random, 0.5, 2.8);
  return drawPerson(stage, x, z);
}

/** Lamps, trees, poles, wires and signs along the kerbs, none in front of a traffic light. */
function furnish(stage: Stage, street: Street, lights: Seen[]): Actor[] {
  const { random } = stage;
  const things: Actor[] = [];
  const clear = (x: number, z: number, reach: number) =>
    lights.every((light) => {
      const at = stage.project({ x, y: 5, z });
      const half = reach * stage.scaleAt(z);
      return z > light.z || at.x + half < light.box.x || at.x - half > light.box.x + light.box.width;
    });
  const add = (thing: Thing) => things.push({ ...thing, parts: [] });
  for (const x of [street.left - 0.7, street.right + 0.7]) {
    const trees = chance(random, 0.5);
    for (let z = between(random, 7, 16); z < 110; z += between(random, 14, 20)) {
      if (street.junctions.some(([a, b]) => z > a && z < b)) continue;
      if (clear(x, z, 2.6)) add(drawStreetLamp(stage, x, z));
      if (trees && clear(x, z + 6, 2.2)) add(drawTree(stage, x - Math.sign(x) * -0.4, z + 6));
      if (chance(random, 0.3) && clear(x, z + 3, 0.4)) {
        const { svg, box, z: at } = drawSign(stage, x, z + 3);
        things.push({ z: at, svg, parts: [{ category: 'TRAFFIC_SIGN', box }] });
      }
    }
  }
  if (stage.side === 1 && chance(random, 0.6)) poles(stage, street.left - 1.4, clear).forEach(add);
  return things;
}

function poles(stage: Stage, x: number, clear: (x: number, z: number, reach: number) => boolean): Thing[] {
  const depths = [6, 24, 46, 72, 104].map((z) => z + between(stage.random, -2, 2));
  const standing = depths.filter((z) => clear(x, z, 1)).map((z) => drawUtilityPole(stage, x, z));
  return [...standing, { z: 115, svg: drawWires(stage, x, depths) }];
}

function wrap(stage: Stage, body: string): string {
  const size = `width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><defs>${stage.defs.join('')}</defs>${body}</svg>`;
}
