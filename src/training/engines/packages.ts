/** Loading of engine packages that may not be installed, and may have brought a tfjs-core of their own. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineUnavailable } from './engine.js';

const require = createRequire(import.meta.url);
/** Where `npm run setup:NAME` puts an engine: a folder each, in the checkout that holds this dist/. */
const SET_UP = join(import.meta.dirname, '..', '..', '..', '..', '.shingo', 'engines');

/** Entry file of a package as seen from `from`, or null where it is not installed. */
export function entryOf(name: string, from: NodeJS.Require = require): string | null {
  try {
    return from.resolve(name);
  } catch {
    return null;
  }
}

/** Entry file of an engine's package: among the service's own or one that was set up. */
export function engineEntry(name: string): string | null {
  const entries = [require, ...setUpFolders().map((folder) => createRequire(join(folder, 'from.js')))];
  for (const from of entries) {
    const entry = entryOf(name, from);
    if (entry) return entry;
  }
  return null;
}

function setUpFolders(): string[] {
  try {
    // One that starts with a dot is being set up.
    return readdirSync(SET_UP)
      .filter((name) => !name.startsWith('.'))
      .map((name) => join(SET_UP, name));
  } catch {
    return [];
  }
}

/**
 * Imports an optional package. `via` are the packages through which it reaches tfjs-core; where that is another
 * copy than ours its kernels would meet tensors that are no instance of their Tensor class.
 */
export async function importOptional(name: string, via: string[] = []): Promise<Record<string, unknown>> {
  const entry = engineEntry(name);
  if (!entry) throw new EngineUnavailable(`package ${name} not installed`);
  let hop = createRequire(entry);
  for (const dependency of via) {
    const next = entryOf(dependency, hop);
    if (next) hop = createRequire(next);
  }
  if (via.length && entryOf('@tensorflow/tfjs-core', hop) !== entryOf('@tensorflow/tfjs-core'))
    throw new EngineUnavailable(`${name} brings a second copy of @tensorflow/tfjs-core`);
  try {
    return (await import(pathToFileURL(entry).href)) as Record<string, unknown>;
  } catch (error) {
    throw new EngineUnavailable(
      `${name} is installed but does not load: its native part is missing or does not fit`,
      { cause: error },
    );
  }
}

export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();
