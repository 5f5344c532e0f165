/** What a training ran on, so that it can be set up again. */
import { createRequire } from 'node:module';
import { arch, platform, release } from 'node:os';
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

function versionOf(name: string): string | null {
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return null;
  }
}
