import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { mediaTypeOf } from './paths.js';
import { type Problem, show } from './problems.js';
import type { RawRow } from './row.js';

const COLORS: Record<string, string> = { red: 'RED', yellow: 'YELLOW', green: 'GREEN', off: 'OFF' };
export const CLASS_FOLDERS = Object.keys(COLORS);

/** What systems leave behind in folders is nobody's picture. */
const isLitter = (name: string) =>
  name.startsWith('.') || ['__MACOSX', 'Thumbs.db', 'desktop.ini'].includes(name);

/** Each picture in red/, yellow/, green/ and off/ is the crop of one light of that colour. */
export async function* readClassFolders(
  root: string,
  report: (problem: Problem) => void,
  notice: (text: string) => void = () => {},
): AsyncGenerator<RawRow, void> {
  const entries = (await readdir(root, { withFileTypes: true })).filter((entry) => !isLitter(entry.name));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.isFile() && mediaTypeOf(entry.name)) {
      report({
        where: entry.name,
        message: `lies beside the class folders ${CLASS_FOLDERS.join(', ')}: of which class is it?`,
      });
    } else if (entry.isDirectory() || entry.isSymbolicLink()) {
      if (Object.hasOwn(COLORS, entry.name)) folders.push(entry.name);
      else
        report({ where: entry.name, message: `is not a class folder (known: ${CLASS_FOLDERS.join(', ')})` });
    } else notice(`${entry.name} is left out: not a picture`);
  }
  if (entries.length === 0) report({ where: path.basename(root), message: 'the folder is empty' });
  for (const folder of folders) yield* readClass(root, folder, report, notice);
}

async function* readClass(
  root: string,
  folder: string,
  report: (problem: Problem) => void,
  notice: (text: string) => void,
): AsyncGenerator<RawRow, void> {
  const entries = (await readdir(path.join(root, folder), { withFileTypes: true })).filter(
    (entry) => !isLitter(entry.name),
  );
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  let others = 0;
  for (const entry of entries) {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory())
      report({ where: file, message: `is a folder inside the class folder ${show(folder)}` });
    else if (!mediaTypeOf(entry.name)) others++;
    else
      yield {
        where: file,
        values: { file, boxes: [{ category: 'TRAFFIC_LIGHT', wholeImage: true, color: COLORS[folder] }] },
      };
  }
  if (others > 0) notice(`${others} file(s) in ${folder}/ are left out: not pictures by their names`);
}
