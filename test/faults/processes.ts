/** Processes of this machine, as /proc shows them. */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { until } from './world.js';

interface Process {
  pid: number;
  parent: number;
  command: string;
  /** Where it works. */
  folder: string;
}

/** Those that are gone while one looks, and those that nobody has waited for yet, are left out. */
export async function processes(): Promise<Process[]> {
  const found = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const [stat, command, folder] = await Promise.all([
          ...['stat', 'cmdline'].map((file) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')),
          readlink(`/proc/${name}/cwd`).catch(() => ''),
        ]);
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === '' || state === 'Z') return [];
        return [{ pid: Number(name), parent: Number(parent), command: command!, folder: folder! }];
      }),
  );
  return found.flat();
}

/** A process that nobody has waited for yet counts as gone. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

export const gone = (pids: number[], ms?: number): Promise<boolean> =>
  until(async () => !(await Promise.all(pids.map(isAlive))).includes(true), ms);

/** Those that work below the folder: of attempts, where it is a data folder's. */
export const processesIn = async (folder: string): Promise<number[]> =>
  (await processes()).filter((one) => one.folder.startsWith(folder)).map(({ pid }) => pid);
