/** Loading of engine packages that may not be installed, and may have brought a tfjs-core of their own. */
import { createRequire } from 'node:module';
import { EngineUnavailable } from './engine.js';

const require = createRequire(import.meta.url);

/** Entry file of a package, or null where it is not installed. */
export function entryOf(name: string, from: NodeJS.Require = require): string | null {
  try {
    return from.resolve(name);
  } catch {
    return null;
  }
}

/**
 * Imports an optional package. `via` are the packages through which it reaches tfjs-core; where that is another
 * copy than ours its kernels would meet tensors that are no instance of their Tensor class.
 */
export async function importOptional(name: string, via: string[] = []): Promise<Record<string, unknown>> {
  const entry = entryOf(name);
  if (!entry) throw new EngineUnavailable(`package ${name} not installed`);
  let hop = createRequire(entry);
  for (const dependency of via) {
    const next = entryOf(dependency, hop);
    if (next) hop = createRequire(next);
  }
  if (via.length && entryOf('@tensorflow/tfjs-core', hop) !== entryOf('@tensorflow/tfjs-core'))
    throw new EngineUnavailable(`${name} brings a second copy of @tensorflow/tfjs-core`);
  try {
    return (await import(name)) as Record<string, unknown>;
  } catch (error) {
    throw new EngineUnavailable(
      `${name} is installed but does not load: its native part is missing or does not fit`,
      { cause: error },
    );
  }
}

export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();
