/** T4 (TIER IV) and nuScenes: JSON tables joined by token. Boxes of pictures stand in object_ann. */
import type { Frame, FrameBox } from '../frame.js';
import { withEnding, type FileSet, type InputFile } from './input.js';
import { elements, listAt, objectAt } from './json.js';
import { fileNameOf, finite, invalid, type Findings } from './problem.js';

const CATEGORY: Record<string, FrameBox['category']> = {
  pedestrian: 'PERSON',
  'human.pedestrian': 'PERSON',
  car: 'CAR',
  'vehicle.car': 'CAR',
  truck: 'TRUCK',
  'vehicle.truck': 'TRUCK',
  bus: 'BUS',
  'vehicle.bus': 'BUS',
  train: 'TRAIN',
  motorcycle: 'MOTORCYCLE',
  'vehicle.motorcycle': 'MOTORCYCLE',
  bicycle: 'BICYCLE',
  'vehicle.bicycle': 'BICYCLE',
};
const PREFIX = /^(human\.pedestrian|vehicle\.(?:car|truck|bus|motorcycle|bicycle))(\.|$)/;

type Row = Record<string, unknown>;

/** Tables but sample_data are kept by token; 50,000 boxes a GB of pictures are a few MB. */
export async function* readT4(input: FileSet, findings: Findings): AsyncGenerator<Frame, void> {
  const table = (name: string): InputFile | undefined =>
    withEnding(input, '.json').find(({ path }) => path === `${name}.json` || path.endsWith(`/${name}.json`));
  const keyed = async (name: string): Promise<Map<string, Row>> => {
    const rows = new Map<string, Row>();
    const file = table(name);
    if (file)
      for await (const { value, position } of elements(file)) {
        const row = objectAt(position, value);
        rows.set(String(row.token), row);
      }
    return rows;
  };
  const [categories, attributes, poses] = [
    await keyed('category'),
    await keyed('attribute'),
    await keyed('ego_pose'),
  ];
  const boxes = new Map<string, FrameBox[]>();
  const annotations = table('object_ann');
  if (annotations)
    for await (const { value, position } of elements(annotations)) {
      const row = objectAt(position, value);
      const box = boxOf(row, categories, attributes, position, findings);
      if (!box) continue;
      const of = String(row.sample_data_token);
      const list = boxes.get(of);
      if (list) list.push(box);
      else boxes.set(of, [box]);
    }
  const data = table('sample_data');
  if (!data) throw invalid(input.name, 'there is no sample_data.json');
  for await (const { value, position } of elements(data)) {
    const row = objectAt(position, value);
    if (!/^(jpe?g|png)$/i.test(String(row.fileformat))) continue;
    const pose = poses.get(String(row.ego_pose_token));
    const place = listAt(`${position}.geocoordinate`, pose?.geocoordinate);
    yield {
      fileName: fileNameOf(`${position}.filename`, row.filename),
      width: finite(`${position}.width`, row.width),
      height: finite(`${position}.height`, row.height),
      // Microseconds since 1970.
      recordedAt: new Date(Math.round(finite(`${position}.timestamp`, row.timestamp) / 1000)),
      latitude: place ? finite(`${position}.geocoordinate[0]`, place[0]) : null,
      longitude: place ? finite(`${position}.geocoordinate[1]`, place[1]) : null,
      // Labels stand on key frames only: others are unlabelled, not empty.
      boxes: boxes.get(String(row.token)) ?? (row.is_key_frame === true && annotations ? [] : null),
      position,
    };
  }
}

function boxOf(
  row: Row,
  categories: Map<string, Row>,
  attributes: Map<string, Row>,
  position: string,
  findings: Findings,
): FrameBox | null {
  const name = categories.get(String(row.category_token))?.name;
  if (typeof name !== 'string') throw invalid(`${position}.category_token`, 'there is no such category');
  const said = (listAt(`${position}.attribute_tokens`, row.attribute_tokens) ?? []).map((token) => {
    const attribute = attributes.get(String(token))?.name;
    return typeof attribute === 'string' ? attribute : '';
  });
  const light = lightOf(name, said);
  const category = light ? 'TRAFFIC_LIGHT' : (CATEGORY[PREFIX.exec(name)?.[1] ?? name] ?? null);
  if (category === null)
    return findings.report(`${position}.category_token`, 'category', name, Object.keys(CATEGORY));
  const corners = listAt(`${position}.bbox`, row.bbox);
  if (corners?.length !== 4) throw invalid(`${position}.bbox`, 'a box has four numbers');
  const [x1, y1, x2, y2] = corners.map((side, index) => finite(`${position}.bbox[${index}]`, side)) as [
    number,
    number,
    number,
    number,
  ];
  return { category, x: x1, y: y1, width: x2 - x1, height: y2 - y1, label: name, ...light };
}

/**
 * The spellings differ between TIER IV's own files (red_leftdiagonal, red_left_diagonal, red_straight_left,
 * green_pedestrian, crosswalk_red, traffic_light with the colour in an attribute): words count, not their order.
 */
export function lightOf(
  category: string,
  attributes: string[],
): Pick<FrameBox, 'color' | 'arrows' | 'role'> | null {
  const text = [category, ...attributes]
    .join('_')
    .toLowerCase()
    .replaceAll(/[\s.-]+/g, '_');
  const colors = /(?:^|_)(red|green|yellow|amber|off|black|unknown)(?=_|$)/g;
  const [color] = [...text.matchAll(colors)].map(([, word]) => word as string);
  if (
    !/traffic_?light|crosswalk/.test(text) &&
    !/^(red|green|yellow|amber)(_|$)/.test(category.toLowerCase())
  )
    return null;
  const arrows = new Set<'LEFT' | 'STRAIGHT' | 'RIGHT' | 'DIAGONAL_LEFT' | 'DIAGONAL_RIGHT'>();
  const rest = text.replaceAll(
    /(left|right)_?diagonal|diagonal_?(left|right)/g,
    (_, before: string, after: string) => {
      arrows.add((before ?? after) === 'left' ? 'DIAGONAL_LEFT' : 'DIAGONAL_RIGHT');
      return '';
    },
  );
  for (const word of rest.split('_')) {
    if (word === 'left') arrows.add('LEFT');
    if (word === 'right') arrows.add('RIGHT');
    if (word === 'straight') arrows.add('STRAIGHT');
  }
  return {
    color: color ? COLOR[color] : null,
    arrows: [...arrows],
    role: /pedestrian|crosswalk/.test(text) ? 'PEDESTRIAN' : null,
  };
}

const COLOR: Record<string, NonNullable<FrameBox['color']>> = {
  red: 'RED',
  green: 'GREEN',
  yellow: 'YELLOW',
  amber: 'YELLOW',
  off: 'OFF',
  black: 'OFF',
  unknown: 'UNKNOWN',
};
