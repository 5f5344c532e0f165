/** What a process and all that it started take of this machine, and what the machine has left. */
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import si from 'systeminformation';
import { sum, type ProcessMeter, type Usage } from './processes.js';

export interface Sample extends Usage {
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

/** @param folder whose file system counts @returns null if there is nothing to tell (any more), or not yet */
export async function takeSample(
  processes: ProcessMeter,
  folder: string,
  device: string | null,
): Promise<Sample | null> {
  const [usage, load, memory, disk, gpu] = await Promise.all([
    processes.look(),
    si.currentLoad(),
    si.mem(),
    statfs(folder),
    sampleGpus(device),
  ]);
  if (!usage) return null;
  return {
    ...usage,
    diskUsedBytes: finite((disk.blocks - disk.bfree) * disk.bsize),
    diskFreeBytes: finite(disk.bavail * disk.bsize),
    hostCpuPercent: finite(load.currentLoad),
    hostMemoryBytes: finite(memory.total - memory.available),
    hostMemoryTotalBytes: finite(memory.total),
    gpu,
  };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

let noNvidia = false;

/** Null: there is no NVIDIA driver here, or not the device. */
async function sampleGpus(device: string | null): Promise<GpuSample | null> {
  if (noNvidia) return null;
  const query = [
    '--query-gpu=index,utilization.gpu,memory.used,memory.total',
    '--format=csv,noheader,nounits',
  ];
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
