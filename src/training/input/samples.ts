/** Reads the samples file: JSON lines, of `Sample` (one light each) or `Frame` (one picture each). */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { TrainingError } from '../error.js';
import { frameSchema, sampleSchema, type Frame, type Sample } from '../protocol.js';

export interface SampleLimits {
  classes: readonly string[];
  conditions: readonly string[];
}

/** @throws TrainingError SPEC_INVALID, naming file and line */
export const readSamples = (file: string, limits: SampleLimits): Promise<Sample[]> =>
  readLines(file, sampleSchema, limits, ({ label }) => [label]);

/** @throws TrainingError SPEC_INVALID, naming file and line */
export const readFrames = (file: string, limits: SampleLimits): Promise<Frame[]> =>
  readLines(file, frameSchema, limits, ({ boxes }) => boxes.map(({ label }) => label ?? 0));

async function readLines<T extends { conditions: number[] }>(
  file: string,
  schema: z.ZodType<T>,
  limits: SampleLimits,
  labelsOf: (item: T) => number[],
): Promise<T[]> {
  const items: T[] = [];
  let line = 0;
  try {
    const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
    for await (const text of lines) {
      line += 1;
      if (!text.trim()) continue;
      const where = `${file} line ${line}`;
      const item = parse(text, where, schema);
      checkIndices(labelsOf(item), item.conditions, where, limits);
      items.push(item);
    }
  } catch (cause) {
    if (cause instanceof TrainingError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('SPEC_INVALID', `Samples file ${file} cannot be read: ${why}`, { cause });
  }
  return items;
}

function parse<T>(text: string, where: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TrainingError('SPEC_INVALID', `${where} is not JSON.`, { cause });
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const [issue] = error.issues;
  throw new TrainingError('SPEC_INVALID', `${where}: ${issue?.path.join('.')} ${issue?.message}.`);
}

function checkIndices(labels: number[], conditions: number[], where: string, limits: SampleLimits): void {
  const strange = labels.find((label) => label >= limits.classes.length);
  if (strange !== undefined)
    throw new TrainingError(
      'SPEC_INVALID',
      `${where}: label ${strange}, but there are ${limits.classes.length} classes.`,
    );
  const most = limits.conditions.length;
  if (conditions.some((condition) => condition >= most))
    throw new TrainingError('SPEC_INVALID', `${where}: a condition index is not below ${most}.`);
}
