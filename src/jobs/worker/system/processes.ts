/** What a process and all that it started take, between one look and the next. */
import { readFile, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import si from 'systeminformation';

export interface Usage {
  /** Since the last look, of one core: 200 is two cores. */
  cpuPercent: number;
  memoryBytes: number;
}

interface Process {
  pid: number;
  parentPid: number;
}

/** Of Linux, whatever its kernel was built with: what it tells programs is in these. */
const TICKS_PER_SECOND = 100;

/**
 * Linux is asked by its files: an image of it may lack the `ps` that the library runs, and running one takes 250 ms where
 * reading takes 10.
 */
export class ProcessMeter {
  private seen = new Map<number, number>();
  private at = 0;

  constructor(private readonly pid: number) {}

  /** Null: there is no such process (any more), or this is the first look. */
  async look(): Promise<Usage | null> {
    return process.platform === 'linux' ? this.lookByFiles() : this.lookByLibrary();
  }

  private async lookByFiles(): Promise<Usage | null> {
    const group = withDescendants(await linuxProcesses(), this.pid);
    const memory = await Promise.all(group.map(({ pid }) => residentBytes(pid)));
    const [before, at] = [this.at, performance.now()];
    // A process that has ended since takes nothing any more; one that is new took it all since.
    const ticks = sum(group.map(({ pid, ticks }) => ticks - (this.seen.get(pid) ?? 0)));
    this.seen = new Map(group.map(({ pid, ticks }) => [pid, ticks]));
    this.at = at;
    if (group.length === 0 || before === 0) return null;
    const seconds = Math.max((at - before) / 1000, 1 / TICKS_PER_SECOND);
    return { cpuPercent: ((ticks / TICKS_PER_SECOND) * 100) / seconds, memoryBytes: sum(memory) };
  }

  private async lookByLibrary(): Promise<Usage | null> {
    const group = withDescendants((await si.processes()).list, this.pid);
    const first = this.at === 0;
    this.at = performance.now();
    if (group.length === 0 || first) return null;
    return {
      // There it is of the whole machine, and memory in KiB.
      cpuPercent: sum(group.map(({ cpu }) => cpu)) * availableParallelism(),
      memoryBytes: sum(group.map(({ memRss }) => memRss)) * 1024,
    };
  }
}

export const sum = (values: number[]): number =>
  values.reduce((total, value) => total + (Number.isFinite(value) ? value : 0), 0);

export function withDescendants<P extends Process>(list: readonly P[], root: number): P[] {
  const group = list.filter(({ pid }) => pid === root);
  const seen = new Set([root]);
  // It grows while it is walked through.
  for (const { pid } of group)
    for (const child of list)
      if (child.parentPid === pid && !seen.has(child.pid)) {
        seen.add(child.pid);
        group.push(child);
      }
  return group;
}

async function linuxProcesses(): Promise<(Process & { ticks: number })[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return read.flatMap((stat, index) => {
    // After the name, which may hold blanks and brackets: state, parent, …; user and system time are the 12th and 13th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields.length < 13) return [];
    return [
      {
        pid: Number(pids[index]),
        parentPid: Number(fields[1]),
        ticks: Number(fields[11]) + Number(fields[12]),
      },
    ];
  });
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
