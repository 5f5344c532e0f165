/** `webgpu`: TensorFlow.js' WebGPU backend on Dawn (the `webgpu` package): any GPU with Vulkan, Metal or D3D12. */
import { tf } from '../tensorflow.js';
import { EngineUnavailable, type EngineDriver, type StartedEngine } from './engine.js';
import { firstLine, importOptional } from './packages.js';

/** The part of the WebGPU API that is used here; its types come with a package that may not be installed. */
interface AdapterInfo {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
  isFallbackAdapter?: boolean;
}
interface Gpu {
  requestAdapter(options?: { powerPreference: string }): Promise<{ info: AdapterInfo } | null>;
}
interface Dawn {
  create(flags: string[]): Gpu;
  globals: Record<string, unknown>;
}

export const webgpu: EngineDriver = {
  name: 'webgpu',
  remedy: 'run `npm run setup:webgpu` on a machine with a GPU driver, or choose the engine auto',
  start: (named) => startWebGpu(named && process.env[SOFTWARE_GPU] === '1'),
};

/**
 * Software adapters (SwiftShader, lavapipe) are several times slower than `wasm`: good for a smoke test, and taken only
 * where both the engine is asked for by name and the environment says so.
 */
const SOFTWARE_GPU = 'SHINGO_SOFTWARE_GPU';

async function startWebGpu(allowSoftware: boolean): Promise<StartedEngine> {
  const dawn = (await importOptional('webgpu')) as unknown as Dawn;
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  // Node ≥ 21 has a read-only `navigator`. While ours stands Dawn keeps the process alive.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const release = async () => {
    Reflect.deleteProperty(globalThis, 'navigator');
    if (navigator) Object.defineProperty(globalThis, 'navigator', navigator);
  };
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) throw new EngineUnavailable('no WebGPU adapter found');
    const name = adapterName(adapter.info);
    if (!allowSoftware && isSoftware(adapter.info))
      throw new EngineUnavailable(
        `the only WebGPU adapter is software (${name}), which only ${SOFTWARE_GPU}=1 with the engine webgpu takes`,
      );
    await importOptional('@tensorflow/tfjs-backend-webgpu', ['@tensorflow/tfjs-backend-webgpu']);
    if (!(await tf.setBackend('webgpu'))) throw new EngineUnavailable('the WebGPU backend does not start');
    return { description: `WebGPU on ${name}`, release };
  } catch (error) {
    await release();
    if (error instanceof EngineUnavailable) throw error;
    throw new EngineUnavailable(`WebGPU does not start (${firstLine(error)})`, { cause: error });
  }
}

export function isSoftware(info: AdapterInfo): boolean {
  const text = [info.vendor, info.architecture, info.device, info.description].join(' ');
  return info.isFallbackAdapter === true || /swiftshader|lavapipe|llvmpipe|software|basic render/i.test(text);
}

const adapterName = (info: AdapterInfo) =>
  info.description || info.device || info.vendor || 'an unnamed adapter';
