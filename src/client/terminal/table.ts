import CliTable from 'cli-table3';

export interface TableOptions {
  head: string[];
  rows: string[][];
  /** The first column is a name, the others are numbers: so is it nearly always. */
  align?: ('left' | 'right' | 'center')[];
}

const CHARS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
  mid: '─',
  'mid-mid': '─',
};

/** A table without a frame: names on the left, numbers flush right, one rule under the head. */
export function renderTable({ head, rows, align }: TableOptions): string {
  const table = new CliTable({
    head,
    colAligns: align ?? head.map((_, index) => (index === 0 ? 'left' : 'right')),
    chars: CHARS,
    // Colours are the caller's: cli-table3 would paint them into files as well.
    style: { head: [], border: [], compact: true, 'padding-left': 1, 'padding-right': 1 },
  });
  table.push(...rows);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
