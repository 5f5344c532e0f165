/**
 * What every benchmark is made of. A file in bench/ exports `bench: Benchmark`; `npm run bench -- NAME [--json]` runs
 * it. Figures are ratios or times measured side by side in one run; a benchmark checks the answers that it times.
 */
import { cpus, totalmem } from 'node:os';

export interface Benchmark {
  /** One line: what is measured against what. */
  title: string;
  /** Options beside --json, with their defaults: `{ images: 1_000_000 }` is set by `--images 1000`. */
  options?: Record<string, number>;
  targets: Record<string, { min: number } | { max: number }>;
  /** @returns the figures by name. @throws when an answer is wrong: a fast wrong answer is no figure. */
  run: (options: Record<string, number>, say: (line: string) => void) => Promise<Record<string, number>>;
}

export const met = (figure: number | undefined, target: { min: number } | { max: number }): boolean =>
  figure !== undefined && ('min' in target ? figure >= target.min : figure <= target.max);

/** The p-quantile (0 to 1) of the values by nearest rank. */
export function quantile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new Error('There is no quantile of nothing.');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] as number;
}

/** Milliseconds of each of `times` runs, after `warm` runs that do not count. */
export async function timed(
  times: number,
  work: (run: number) => Promise<unknown>,
  warm = 2,
): Promise<number[]> {
  const taken: number[] = [];
  for (let run = -warm; run < times; run++) {
    const start = performance.now();
    await work(run);
    if (run >= 0) taken.push(performance.now() - start);
  }
  return taken;
}

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
