import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';

import { CLASS_FOLDERS, readClassFolders } from './classFolders.js';
import { readCsv } from './csv.js';
import { readJsonl } from './jsonl.js';
import type { LabelFormat } from '../read/index.js';
import { ImportError, type Problem } from './problems.js';
import type { RawRow } from './row.js';

type Report = (problem: Problem) => void;

/** A folder to import, and how to read its rows: as often as wanted, a little at a time. */
export interface Source {
  /** Without links, so that what lies inside it can be told from what does not. */
  root: string;
  kind: 'manifest.csv' | 'manifest.jsonl' | 'class folders' | LabelFormat;
  rows(report: Report, notice?: (text: string) => void): AsyncGenerator<RawRow, void>;
}

const READERS = { 'manifest.csv': readCsv, 'manifest.jsonl': readJsonl };
type ManifestName = keyof typeof READERS;

export async function openSource(folder: string): Promise<Source> {
  const refuse = (message: string): never => {
    throw new ImportError([{ where: folder, message }]);
  };
  const root = await realpath(folder).catch(() => refuse('no such folder'));
  if (!(await stat(root)).isDirectory()) refuse('is not a folder');
  const manifests: ManifestName[] = [];
  for (const name of Object.keys(READERS) as ManifestName[]) {
    if (await isFile(path.join(root, name))) manifests.push(name);
  }
  if (manifests.length > 1)
    refuse(`has both ${manifests.join(' and ')}: which one counts? Remove one of them`);
  const [kind] = manifests;
  if (kind) return { root, kind, rows: (report) => READERS[kind](path.join(root, kind), kind, report) };
  return {
    root,
    kind: 'class folders',
    rows: (report, notice) => readClassFolders(root, report, notice),
  };
}

export async function hasClassFolders(folder: string): Promise<boolean> {
  for (const name of CLASS_FOLDERS) {
    if ((await stat(path.join(folder, name)).catch(() => null))?.isDirectory()) return true;
  }
  return false;
}

/** Said where nothing was found, because that is where the reader learns what the importer looks for. */
export const EXPECTED = `neither manifest.csv nor manifest.jsonl nor pictures in folders named ${CLASS_FOLDERS.join(', ')}`;

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}
