/** What a training ran on, so that it can be set up again. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, release } from 'node:os';
import { dirname, join } from 'node:path';
import type { EngineName } from './protocol.js';

export interface TrainerEnvironment {
  node: string;
  platform: string;
  /** Versions of the packages that decide on the numbers, by name. */
  packages: Record<string, string>;
}

const COMMON = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'sharp'];
const OF_ENGINE: Record<EngineName, string[]> = {
  cuda: ['@tensorflow/tfjs-node-gpu'],
  native: ['@tensorflow/tfjs-node'],
  webgpu: ['@tensorflow/tfjs-backend-webgpu', 'webgpu'],
  wasm: ['@tensorflow/tfjs-backend-wasm'],
  cpu: ['@tensorflow/tfjs-backend-cpu'],
};

export function environmentOf(engine: EngineName): TrainerEnvironment {
  const versions = [...COMMON, ...OF_ENGINE[engine]].flatMap((name) => {
    const version = versionOf(name);
    return version ? [[name, version] as const] : [];
  });
  return {
    node: process.version.slice(1),
    platform: `${platform()} ${release()} ${arch()}`,
    packages: Object.fromEntries(versions),
  };
}

const require = createRequire(import.meta.url);

/** Null: not installed. Not every package exports its package.json, so it is looked for above its entry file. */
function versionOf(name: string): string | null {
  try {
    let folder = dirname(require.resolve(name));
    for (;;) {
      const file = join(folder, 'package.json');
      const about = existsSync(file) ? (require(file) as { name?: string; version?: string }) : {};
      if (about.name === name) return about.version ?? null;
      if (folder === dirname(folder)) return null;
      folder = dirname(folder);
    }
  } catch {
    return null;
  }
}
