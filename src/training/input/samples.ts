/** Reads the samples file: JSON lines of `Sample`, one light each. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { TrainingError } from '../error.js';
import { sampleSchema, type Sample } from '../protocol.js';

export interface SampleLimits {
  classes: readonly string[];
  conditions: readonly string[];
}

export async function readSamples(file: string, limits: SampleLimits): Promise<Sample[]> {
  const samples: Sample[] = [];
  let line = 0;
  try {
    const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
    for await (const text of lines) {
      line += 1;
      if (text.trim()) samples.push(parse(text, `${file} line ${line}`, limits));
    }
  } catch (cause) {
    if (cause instanceof TrainingError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('SPEC_INVALID', `Samples file ${file} cannot be read: ${why}`, { cause });
  }
  return samples;
}

function parse(text: string, where: string, { classes, conditions }: SampleLimits): Sample {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TrainingError('SPEC_INVALID', `${where} is not JSON.`, { cause });
  }
  const { success, data, error } = sampleSchema.safeParse(json);
  if (!success)
    throw new TrainingError(
      'SPEC_INVALID',
      `${where}: ${error.issues[0]?.path.join('.')} ${error.issues[0]?.message}.`,
    );
  if (data.label >= classes.length)
    throw new TrainingError(
      'SPEC_INVALID',
      `${where}: label ${data.label}, but there are ${classes.length} classes.`,
    );
  if (data.conditions.some((condition) => condition >= conditions.length))
    throw new TrainingError('SPEC_INVALID', `${where}: a condition index is not below ${conditions.length}.`);
  return data;
}
