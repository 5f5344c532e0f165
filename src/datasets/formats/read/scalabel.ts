/**
 * BDD100K and Scalabel, in three layouts that tell themselves apart: the 2018 list, the 2018 file for each image
 * (`frames[].objects[]`, names without an ending), and det_20; a list or `{frames, groups, config}`.
 */
import type { Frame, FrameBox } from '../frame.js';
import { withEnding, type FileSet } from './input.js';
import { elements, listAt, objectAt } from './json.js';
import { fileNameOf, finite, invalid, type Findings } from './problem.js';
import { LIGHT_ARROWS, LIGHT_ROLES } from '../words.js';

const WEATHER = {
  clear: 'CLEAR',
  'partly cloudy': 'PARTLY_CLOUDY',
  overcast: 'OVERCAST',
  rainy: 'RAIN',
  snowy: 'SNOW',
  foggy: 'FOG',
  undefined: 'UNDEFINED',
} as const;
const TIME_OF_DAY = {
  daytime: 'DAY',
  'dawn/dusk': 'DAWN_DUSK',
  night: 'NIGHT',
  undefined: 'UNDEFINED',
} as const;
const SCENE = {
  'city street': 'CITY_STREET',
  residential: 'RESIDENTIAL',
  highway: 'HIGHWAY',
  tunnel: 'TUNNEL',
  'parking lot': 'PARKING_LOT',
  'gas stations': 'GAS_STATION',
  undefined: 'UNDEFINED',
} as const;
const CATEGORY = {
  pedestrian: 'PERSON',
  person: 'PERSON',
  'other person': 'PERSON',
  rider: 'RIDER',
  car: 'CAR',
  truck: 'TRUCK',
  bus: 'BUS',
  train: 'TRAIN',
  motorcycle: 'MOTORCYCLE',
  motor: 'MOTORCYCLE',
  bicycle: 'BICYCLE',
  bike: 'BICYCLE',
  'traffic light': 'TRAFFIC_LIGHT',
  'traffic sign': 'TRAFFIC_SIGN',
  'other vehicle': 'OTHER',
  trailer: 'OTHER',
  caravan: 'OTHER',
  van: 'OTHER',
  other: 'OTHER',
} as const;
/** none and NA: somebody has looked and no colour could be said. */
const COLOR = {
  red: 'RED',
  R: 'RED',
  green: 'GREEN',
  G: 'GREEN',
  yellow: 'YELLOW',
  Y: 'YELLOW',
  none: 'UNKNOWN',
  NA: 'UNKNOWN',
} as const;
/** What our own export writes beside the colour, since the format has no word for it. */
const OURS = ['red', 'yellow', 'green', 'off', 'unknown'];
const itself = <T extends string>(words: readonly T[]) =>
  Object.fromEntries(words.map((word) => [word, word])) as Record<T, T>;
const ARROW = itself(LIGHT_ARROWS);
const ROLE = itself(LIGHT_ROLES);
const [WIDTH, HEIGHT] = [1280, 720];

export async function* readScalabel(input: FileSet, findings: Findings): AsyncGenerator<Frame, void> {
  for (const file of withEnding(input, '.json')) {
    let single = null as Record<string, unknown> | null;
    for await (const { key, index, value, position } of elements(file)) {
      if (index >= 0 && (key === '' || key === 'frames')) {
        const frame = objectAt(position, value);
        // The 2018 file of one image: its name and attributes stand outside, and may come behind.
        if (key === 'frames' && frame.name === undefined && frame.objects !== undefined) {
          if (single?.objects) throw invalid(position, 'a file of one image with several frames');
          single = { ...single, objects: frame.objects };
        } else yield frameOf(frame, position, findings);
      } else if (key === 'name' || key === 'attributes') single = { ...single, [key]: value };
    }
    if (single?.objects === undefined) continue;
    const position = file.path;
    const name = fileNameOf(`${position}:name`, single.name);
    const frame = {
      ...single,
      name: /\.[a-z]{3,4}$/i.test(name) ? name : `${name}.jpg`,
      labels: single.objects,
    };
    yield frameOf(frame, position, findings);
  }
}

function frameOf(frame: Record<string, unknown>, position: string, findings: Findings): Frame {
  const attributes =
    frame.attributes == null ? NOTHING : objectAt(`${position}.attributes`, frame.attributes);
  const word = <T extends string>(name: string, words: Record<string, T>): T | null => {
    const value = named(attributes, name);
    return value == null ? null : findings.word(`${position}.attributes.${name}`, name, value, words);
  };
  const size = frame.size == null ? null : objectAt(`${position}.size`, frame.size);
  // Missing: BDD100K's own. Null, as our export writes it: nobody knows.
  const [width, height] = frame.size === null ? [null, null] : [WIDTH, HEIGHT];
  const labels = listAt(`${position}.labels`, frame.labels);
  const drive = typeof frame.videoName === 'string' && frame.videoName !== '' ? frame.videoName : null;
  return {
    fileName: fileNameOf(`${position}.name`, frame.name),
    width: size ? finite(`${position}.size.width`, size.width) : width,
    height: size ? finite(`${position}.size.height`, size.height) : height,
    // `timestamp` is an offset within the clip, never a time of recording.
    drive,
    weather: word('weather', WEATHER),
    timeOfDay: word('timeofday', TIME_OF_DAY),
    scene: word('scene', SCENE),
    // Missing: nobody has labelled it. Empty: there is nothing.
    boxes:
      labels &&
      labels.flatMap((label, index) => boxOf(label, `${position}.labels[${index}]`, findings) ?? []),
    position,
  };
}

/** Files of 2018 spell `Truncated` where later ones spell `truncated`. */
function named(record: Record<string, unknown>, name: string): unknown {
  const value = record[name];
  if (value !== undefined) return value;
  for (const key in record)
    if (key.length === name.length && key.toLowerCase() === name.toLowerCase()) return record[key];
  return undefined;
}

const NOTHING: Record<string, unknown> = {};

function boxOf(value: unknown, position: string, findings: Findings): FrameBox | null {
  const label = objectAt(position, value);
  // Lanes and drivable areas are polygons.
  if (label.box2d == null) return null;
  const category = findings.word(`${position}.category`, 'category', label.category, CATEGORY);
  if (category === null) return null;
  const box = objectAt(`${position}.box2d`, label.box2d);
  const side = (name: string) => {
    const value = box[name];
    return Number.isFinite(value) ? (value as number) : finite(`${position}.box2d.${name}`, value);
  };
  const [x1, y1, x2, y2] = [side('x1'), side('y1'), side('x2'), side('y2')];
  const attributes =
    label.attributes == null ? NOTHING : objectAt(`${position}.attributes`, label.attributes);
  const flag = (name: string) => {
    const value = named(attributes, name);
    return typeof value === 'boolean' ? value : null;
  };
  const light = category === 'TRAFFIC_LIGHT';
  return {
    category,
    // Boxes of this format include their last pixel: on an 8-pixel light that is 12 %.
    x: x1,
    y: y1,
    width: x2 - x1 + 1,
    height: y2 - y1 + 1,
    // On a car or a sign the colour means nothing.
    color: light ? colorOf(attributes, `${position}.attributes`, findings) : null,
    arrows: light ? arrowsOf(attributes, `${position}.attributes.arrows`, findings) : [],
    role: light ? roleOf(attributes, `${position}.attributes.role`, findings) : null,
    occluded: flag('occluded'),
    truncated: flag('truncated'),
    score: typeof label.score === 'number' ? label.score : null,
    ignore: flag('ignore') === true || flag('crowd') === true,
    label: typeof label.category === 'string' ? label.category : null,
  };
}

const upper = (value: unknown) => (typeof value === 'string' ? value.toUpperCase() : value);

/** No word of the format: other tools, and we, write them beside the colour. */
function arrowsOf(
  attributes: Record<string, unknown>,
  position: string,
  findings: Findings,
): FrameBox['arrows'] {
  const arrows = listAt(position, named(attributes, 'arrows')) ?? [];
  return arrows.flatMap((arrow) => findings.word(position, 'arrows', upper(arrow), ARROW) ?? []);
}

function roleOf(attributes: Record<string, unknown>, position: string, findings: Findings): FrameBox['role'] {
  const role = named(attributes, 'role');
  return role == null ? null : findings.word(position, 'role', upper(role), ROLE);
}

function colorOf(
  attributes: Record<string, unknown>,
  position: string,
  findings: Findings,
): FrameBox['color'] {
  const ours = named(attributes, 'color');
  if (typeof ours === 'string' && OURS.includes(ours)) return ours.toUpperCase() as FrameBox['color'];
  const color = named(attributes, 'trafficLightColor');
  if (color == null) return null;
  return findings.word(`${position}.trafficLightColor`, 'trafficLightColor', color, COLOR);
}
