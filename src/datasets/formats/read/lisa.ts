/** LISA Traffic Light Dataset: CSV with semicolons. BOX and BULB files name the same lights: one of them is read. */
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { Frame, FrameBox } from '../frame.js';
import { withEnding, type FileSet } from './input.js';
import { fileNameOf, finite, invalid, type Findings } from './problem.js';

const TAG = {
  go: { color: 'GREEN', arrows: [] },
  goLeft: { color: 'GREEN', arrows: ['LEFT'] },
  goForward: { color: 'GREEN', arrows: ['STRAIGHT'] },
  goForwardLeft: { color: 'GREEN', arrows: ['STRAIGHT', 'LEFT'] },
  stop: { color: 'RED', arrows: [] },
  stopLeft: { color: 'RED', arrows: ['LEFT'] },
  warning: { color: 'YELLOW', arrows: [] },
  warningLeft: { color: 'YELLOW', arrows: ['LEFT'] },
} as const;
const COLUMNS = [
  'Filename',
  'Annotation tag',
  'Upper left corner X',
  'Upper left corner Y',
  'Lower right corner X',
  'Lower right corner Y',
] as const;

export async function* readLisa(input: FileSet, findings: Findings): AsyncGenerator<Frame, void> {
  const files = withEnding(input, '.csv');
  const boxes = files.filter(({ path }) => /BOX/i.test(path));
  for (const file of boxes.length > 0 ? boxes : files) {
    let frame = null as Frame | null;
    let row = 1;
    const rows = parse({
      ...{ delimiter: ';', columns: true, bom: true, relax_column_count: true, max_record_size: 1 << 20 },
    });
    // What goes wrong is thrown by reading the rows.
    pipeline(file.open(), rows, () => undefined);
    try {
      for await (const record of rows as AsyncIterable<Record<string, string>>) {
        row += 1;
        const position = `${file.path}:${row}`;
        const missing = COLUMNS.find((column) => record[column] === undefined);
        if (missing) throw invalid(position, `the column ${missing} is missing`);
        const fileName = fileNameOf(`${position}: Filename`, record.Filename);
        // Boxes of one picture follow each other.
        if (frame?.fileName !== fileName) {
          if (frame) yield frame;
          frame = { fileName, boxes: [], position };
        }
        const box = boxOf(record, position, findings);
        if (box) frame.boxes!.push(box);
      }
    } catch (error) {
      if (error instanceof CsvError) throw invalid(`${file.path}:${row + 1}`, error.message);
      throw error;
    }
    if (frame) yield frame;
  }
}

function boxOf(record: Record<string, string>, position: string, findings: Findings): FrameBox | null {
  const tag = record['Annotation tag'] as string;
  if (!Object.hasOwn(TAG, tag)) return findings.report(position, 'Annotation tag', tag, Object.keys(TAG));
  const { color, arrows } = TAG[tag as keyof typeof TAG];
  const [x1, y1, x2, y2] = COLUMNS.slice(2).map((column) =>
    finite(`${position}: ${column}`, record[column]!.trim() === '' ? NaN : Number(record[column])),
  ) as [number, number, number, number];
  return {
    category: 'TRAFFIC_LIGHT',
    ...{ x: x1, y: y1, width: x2 - x1, height: y2 - y1, color, arrows: [...arrows], label: tag },
  };
}
