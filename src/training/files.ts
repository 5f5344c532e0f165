/** Files that are either complete or not there: written beside their place, flushed, then renamed. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export async function writeFileAtomic(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFlushed(temporary, content);
  await rename(temporary, file);
  await flushFolder(dirname(file));
}

/** Replaces the folder if it exists. */
export async function writeFolderAtomic(
  folder: string,
  files: Record<string, string | Uint8Array>,
): Promise<void> {
  const temporary = `${folder}.${process.pid}.tmp`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFlushed(join(temporary, name), content);
  await flushFolder(temporary);
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
  await flushFolder(dirname(folder));
}

async function writeFlushed(file: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename is on disk only once its folder is. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
