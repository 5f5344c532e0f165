/** KITTI: a text file for each picture, 15 columns a line (16 with a detector's score). */
import type { Frame, FrameBox } from '../frame.js';
import { lines, withEnding, type FileSet } from './input.js';
import { finite, invalid, type Findings } from './problem.js';

const CATEGORY = {
  Car: 'CAR',
  Van: 'CAR',
  Truck: 'TRUCK',
  Pedestrian: 'PERSON',
  Person_sitting: 'PERSON',
  Cyclist: 'RIDER',
  Tram: 'TRAIN',
  Misc: 'OTHER',
  // Regions that nobody has labelled: nothing in them counts.
  DontCare: 'OTHER',
} as const;

export async function* readKitti(input: FileSet, findings: Findings): AsyncGenerator<Frame, void> {
  for (const file of withEnding(input, '.txt')) {
    const boxes: FrameBox[] = [];
    for await (const { text, number } of lines(file)) {
      if (text.trim() === '') continue;
      const box = boxOf(text, `${file.path}:${number}`, findings);
      if (box) boxes.push(box);
    }
    const name = file.path.replace(/^(.*\/)?label_2\//, '').replace(/\.txt$/i, '.png');
    yield { fileName: name, boxes, position: file.path };
  }
}

function boxOf(text: string, position: string, findings: Findings): FrameBox | null {
  const columns = text.trim().split(/\s+/);
  if (columns.length !== 15 && columns.length !== 16)
    throw invalid(position, `a line has 15 columns, or 16 with a score, not ${columns.length}`);
  const [type, truncation, occlusion] = columns;
  const category = findings.word(position, 'type', type, CATEGORY);
  if (category === null) return null;
  const number = (index: number) => finite(`${position} column ${index + 1}`, Number(columns[index]));
  const [left, top, right, bottom] = [number(4), number(5), number(6), number(7)];
  return {
    category,
    ...{ x: left, y: top, width: right - left, height: bottom - top },
    // −1 stands with DontCare, 3 is "unknown".
    truncated: Number(truncation) < 0 ? null : Number(truncation) > 0,
    occluded: occlusion === '0' ? false : occlusion === '1' || occlusion === '2' ? true : null,
    score: columns.length === 16 ? number(15) : null,
    ignore: type === 'DontCare',
    label: type,
  };
}
