/**
 * COCO. Annotations name their image by a number and come in any order, so a file is read once and its boxes are kept
 * packed, about 60 bytes each, until all are known: 70 MB for the 1.2 million boxes of a 200 MB file.
 */
import type { Frame, FrameBox } from '../frame.js';
import { withEnding, type FileSet, type InputFile } from './input.js';
import { elements, listAt, objectAt } from './json.js';
import { fileNameOf, finite, invalid, type Findings } from './problem.js';

const CATEGORY: Record<string, FrameBox['category']> = {
  person: 'PERSON',
  pedestrian: 'PERSON',
  rider: 'RIDER',
  car: 'CAR',
  truck: 'TRUCK',
  bus: 'BUS',
  train: 'TRAIN',
  motorcycle: 'MOTORCYCLE',
  bicycle: 'BICYCLE',
  'stop sign': 'TRAFFIC_SIGN',
  'traffic sign': 'TRAFFIC_SIGN',
};
const COLORS = ['RED', 'YELLOW', 'GREEN', 'OFF', 'UNKNOWN'] as const;
const ARROWS = ['LEFT', 'STRAIGHT', 'RIGHT', 'DIAGONAL_LEFT', 'DIAGONAL_RIGHT'] as const;
const ROLES = ['VEHICLE', 'PEDESTRIAN', 'COUNTDOWN'] as const;
const CONDITIONS = {
  weather: {
    clear: 'CLEAR',
    'partly cloudy': 'PARTLY_CLOUDY',
    overcast: 'OVERCAST',
    rainy: 'RAIN',
    snowy: 'SNOW',
    foggy: 'FOG',
    undefined: 'UNDEFINED',
  },
  timeofday: { daytime: 'DAY', 'dawn/dusk': 'DAWN_DUSK', night: 'NIGHT', undefined: 'UNDEFINED' },
  scene: {
    'city street': 'CITY_STREET',
    residential: 'RESIDENTIAL',
    highway: 'HIGHWAY',
    tunnel: 'TUNNEL',
    'parking lot': 'PARKING_LOT',
    'gas stations': 'GAS_STATION',
    undefined: 'UNDEFINED',
  },
} as const;

interface Picture {
  frame: Omit<Frame, 'boxes'>;
  labelled: boolean;
  /** Index of its last box; −1: none. */
  last: number;
}

/** Boxes as columns; each names the one before it of its image. */
class Packed {
  private capacity = 1024;
  count = 0;
  sides = new Float64Array(4 * this.capacity);
  score = new Float64Array(this.capacity);
  before = new Int32Array(this.capacity);
  /** Index of `kinds`. */
  kind = new Int32Array(this.capacity);
  readonly kinds: { category: number; crowd: boolean; attributes: Record<string, unknown> }[] = [];
  private readonly kindOf = new Map<string, number>();

  add(before: number, sides: number[], score: number, kind: Packed['kinds'][number]): number {
    if (this.count === this.capacity) this.grow();
    const key = JSON.stringify(kind);
    let index = this.kindOf.get(key);
    if (index === undefined) this.kindOf.set(key, (index = this.kinds.push(kind) - 1));
    this.sides.set(sides, 4 * this.count);
    this.score[this.count] = score;
    this.before[this.count] = before;
    this.kind[this.count] = index;
    return this.count++;
  }

  private grow(): void {
    this.capacity *= 2;
    const larger = <A extends Float64Array | Int32Array>(array: A, next: A): A => {
      next.set(array);
      return next;
    };
    this.sides = larger(this.sides, new Float64Array(4 * this.capacity));
    this.score = larger(this.score, new Float64Array(this.capacity));
    this.before = larger(this.before, new Int32Array(this.capacity));
    this.kind = larger(this.kind, new Int32Array(this.capacity));
  }
}

export async function* readCoco(input: FileSet, findings: Findings): AsyncGenerator<Frame, void> {
  for (const file of withEnding(input, '.json')) yield* readFile(file, findings);
}

async function* readFile(file: InputFile, findings: Findings): AsyncGenerator<Frame, void> {
  const pictures = new Map<string, Picture>();
  const names = new Map<number, string>();
  const boxes = new Packed();
  /** Boxes that come before their image: found when all are known. */
  const early: { image: string; box: number; position: string }[] = [];
  for await (const { key, index, value, position } of elements(file)) {
    if (index < 0) continue;
    if (key === 'categories') {
      const category = objectAt(position, value);
      names.set(finite(`${position}.id`, category.id), String(category.name));
    } else if (key === 'images') {
      const image = objectAt(position, value);
      const id = idOf(`${position}.id`, image.id);
      if (pictures.has(id)) throw invalid(position, `the id ${id} stands twice`);
      pictures.set(id, pictureOf(image, position, findings));
    } else if (key === 'annotations') {
      const annotation = objectAt(position, value);
      const sides = listAt(`${position}.bbox`, annotation.bbox);
      if (sides === null) continue;
      if (sides.length !== 4) throw invalid(`${position}.bbox`, 'a box has four numbers');
      const image = idOf(`${position}.image_id`, annotation.image_id);
      const picture = pictures.get(image);
      const box = boxes.add(
        picture?.last ?? -1,
        sides.map((side, at) => finite(`${position}.bbox[${at}]`, side)),
        typeof annotation.score === 'number' ? annotation.score : NaN,
        {
          category: finite(`${position}.category_id`, annotation.category_id),
          crowd: annotation.iscrowd === 1 || annotation.iscrowd === true,
          attributes:
            annotation.attributes == null ? {} : objectAt(`${position}.attributes`, annotation.attributes),
        },
      );
      if (picture) picture.last = box;
      else early.push({ image, box, position });
    }
  }
  for (const { image, box, position } of early) {
    const picture = pictures.get(image);
    if (!picture) throw invalid(position, `there is no image with the id ${image}`);
    boxes.before[box] = picture.last;
    picture.last = box;
  }
  for (const { frame, labelled, last } of pictures.values()) {
    const found: FrameBox[] = [];
    for (let box = last; box >= 0; box = boxes.before[box]!) {
      const made = boxOf(boxes, box, names, frame.position, findings);
      if (made) found.push(made);
    }
    yield { ...frame, boxes: labelled ? found.reverse() : null };
  }
}

function idOf(position: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  throw invalid(position, 'an id is a number or a text');
}

function pictureOf(image: Record<string, unknown>, position: string, findings: Findings): Picture {
  const attributes = image.attributes == null ? {} : objectAt(`${position}.attributes`, image.attributes);
  const word = <T extends string>(name: string, words: Record<string, T>): T | null =>
    attributes[name] == null
      ? null
      : findings.word(`${position}.attributes.${name}`, name, attributes[name], words);
  const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
  // An instant only with its offset; COCO's own "2013-11-14 17:02:52" is by a clock that nobody knows.
  const captured = typeof image.date_captured === 'string' ? image.date_captured : '';
  const instant = /T.*(Z|[+-]\d\d:\d\d)$/.test(captured) ? new Date(captured) : null;
  return {
    frame: {
      fileName: fileNameOf(`${position}.file_name`, image.file_name),
      width: number(image.width),
      height: number(image.height),
      sha256: typeof attributes.sha256 === 'string' ? attributes.sha256 : null,
      recordedAt: instant && !Number.isNaN(instant.getTime()) ? instant : null,
      latitude: number(attributes.latitude),
      longitude: number(attributes.longitude),
      drive: typeof attributes.drive === 'string' ? attributes.drive : null,
      weather: word('weather', CONDITIONS.weather),
      timeOfDay: word('timeofday', CONDITIONS.timeofday),
      scene: word('scene', CONDITIONS.scene),
      position,
    },
    labelled: attributes.labelled !== false,
    last: -1,
  };
}

function boxOf(
  boxes: Packed,
  box: number,
  names: Map<number, string>,
  position: string,
  findings: Findings,
): FrameBox | null {
  const { category: id, crowd, attributes } = boxes.kinds[boxes.kind[box]!]!;
  const name = names.get(id);
  if (name === undefined) return findings.report(position, 'category_id', id, [...names.keys()].map(String));
  const words = name.toLowerCase().split(/[\s_-]+/);
  const light = words[0] === 'traffic' && words[1] === 'light';
  // Classes are the user's own: what the catalog has no word for stays under its name.
  const category = light ? 'TRAFFIC_LIGHT' : (CATEGORY[name.toLowerCase()] ?? 'OTHER');
  const among = <T extends string>(list: readonly T[], value: unknown): T | null =>
    typeof value === 'string' ? (list.find((one) => one === value.toUpperCase()) ?? null) : null;
  const [x, y, width, height] = boxes.sides.subarray(4 * box, 4 * box + 4) as unknown as [
    number,
    number,
    number,
    number,
  ];
  const flag = (value: unknown) => (typeof value === 'boolean' ? value : null);
  const arrows = Array.isArray(attributes.arrows) ? attributes.arrows : words.slice(2);
  return {
    ...{ category, x, y, width, height },
    color: light
      ? (among(COLORS, attributes.color) ?? COLORS.find((one) => words.includes(one.toLowerCase())) ?? null)
      : null,
    arrows: light ? arrows.flatMap((one) => among(ARROWS, one) ?? []) : [],
    role: light ? among(ROLES, attributes.role) : null,
    occluded: flag(attributes.occluded),
    truncated: flag(attributes.truncated),
    score: Number.isNaN(boxes.score[box]) ? null : boxes.score[box]!,
    ignore: crowd,
    label: name,
  };
}
