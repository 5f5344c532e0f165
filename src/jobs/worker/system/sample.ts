/** What a process and all that it started take of this machine, and what the machine has left. */
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import si from 'systeminformation';

export interface Sample {
  /** Of one core: 200 is two cores. */
  cpuPercent: number;
  memoryBytes: number;
  /** Of the file system that holds the work folder. */
  diskUsedBytes: number | null;
  diskFreeBytes: number | null;
  hostCpuPercent: number | null;
  hostMemoryBytes: number | null;
  hostMemoryTotalBytes: number | null;
  gpu: GpuSample | null;
}

/** Of the job's device, or of all of them together where it may use any. */
export interface GpuSample {
  percent: number;
  memoryBytes: number;
  memoryTotalBytes: number;
}

const ASK_MS = 4_000;

/** @param folder whose file system counts @returns null if there is no such process (any more) */
export async function takeSample(pid: number, folder: string, device: string | null): Promise<Sample | null> {
  const [processes, load, memory, disk, gpu] = await Promise.all([
    si.processes(),
    si.currentLoad(),
    si.mem(),
    statfs(folder),
    sampleGpus(device),
  ]);
  const group = withDescendants(processes.list, pid);
  if (group.length === 0) return null;
  return {
    // There it is of the whole machine.
    cpuPercent: sum(group.map(({ cpu }) => cpu)) * availableParallelism(),
    memoryBytes: sum(group.map(({ memRss }) => memRss)) * 1024,
    diskUsedBytes: finite((disk.blocks - disk.bfree) * disk.bsize),
    diskFreeBytes: finite(disk.bavail * disk.bsize),
    hostCpuPercent: finite(load.currentLoad),
    hostMemoryBytes: finite(memory.total - memory.available),
    hostMemoryTotalBytes: finite(memory.total),
    gpu,
  };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const sum = (values: number[]): number =>
  values.reduce((total, value) => total + (Number.isFinite(value) ? value : 0), 0);

interface Process {
  pid: number;
  parentPid: number;
}

export function withDescendants<P extends Process>(list: readonly P[], root: number): P[] {
  const group = list.filter(({ pid }) => pid === root);
  const seen = new Set([root]);
  for (const { pid } of group)
    for (const child of list)
      if (child.parentPid === pid && !seen.has(child.pid)) {
        seen.add(child.pid);
        group.push(child);
      }
  return group;
}

let noNvidia = false;

/** Null: there is no NVIDIA driver here, or not the device. */
async function sampleGpus(device: string | null): Promise<GpuSample | null> {
  if (noNvidia) return null;
  const query = ['--query-gpu=index,utilization.gpu,memory.used,memory.total', '--format=csv,noheader,nounits'];
  const text = await new Promise<string | null>((resolve) =>
    execFile('nvidia-smi', query, { timeout: ASK_MS }, (error, stdout) => {
      // Asked once: a machine does not grow a driver while it works.
      if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') noNvidia = true;
      resolve(error ? null : stdout);
    }),
  );
  return text === null ? null : parseGpus(text, device);
}

const MIB = 2 ** 20;

/** @param text lines of "index, percent, MiB used, MiB in all" */
export function parseGpus(text: string, device: string | null): GpuSample | null {
  const gpus = text
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter(([index, ...rest]) => rest.length === 3 && (device === null || device === index))
    // A card that cannot say (MIG) has "[N/A]".
    .map(([, ...rest]) => rest.map((cell) => Number(cell) || 0));
  if (gpus.length === 0) return null;
  const column = (place: number) => sum(gpus.map((gpu) => gpu[place] ?? 0));
  return {
    percent: column(0) / gpus.length,
    memoryBytes: column(1) * MIB,
    memoryTotalBytes: column(2) * MIB,
  };
}
