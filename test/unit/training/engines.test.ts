import { EngineUnavailable, type EngineDriver } from '../../../src/training/engines/engine.js';
import { DRIVERS, startEngine } from '../../../src/training/engines/index.js';
import { engineEntry } from '../../../src/training/engines/packages.js';
import { restoreUtil } from '../../../src/training/engines/tensorflowNode.js';
import { isSoftware } from '../../../src/training/engines/webgpu.js';
import { tf } from '../../../src/training/tensorflow.js';
import { createRequire } from 'node:module';

const works = (name: EngineDriver['name']): EngineDriver => ({
  name,
  remedy: 'do nothing',
  start: async () => ({ description: `a fake ${name}`, release: async () => undefined }),
});
const fails = (name: EngineDriver['name'], reason: string): EngineDriver => ({
  name,
  remedy: `repair ${name}`,
  start: () => Promise.reject(new EngineUnavailable(reason)),
});

describe('startEngine', () => {
  beforeAll(() => startEngine('cpu'));

  it('auto takes the first that works and says why the others were passed over', async () => {
    const drivers = [
      fails('cuda', 'package x not installed'),
      fails('webgpu', 'no adapter'),
      works('wasm'),
      works('cpu'),
    ];
    const { name, reason } = await startEngine('auto', drivers);
    expect(name).toBe('wasm');
    expect(reason).toBe(
      'a fake wasm; cuda passed over: package x not installed; webgpu passed over: no adapter.',
    );
  });

  it('auto fails when nothing works', async () => {
    await expect(startEngine('auto', [fails('wasm', 'no memory')])).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('no memory') as string,
    });
  });

  it('a named engine is not replaced, and the error says what to do', async () => {
    await expect(startEngine('cuda', [fails('cuda', 'no device'), works('wasm')])).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: 'Engine cuda cannot be used: no device. To use it, repair cuda.',
    });
  });

  it('an engine that miscounts is passed over', async () => {
    const broken: EngineDriver = {
      ...works('webgpu'),
      start: async () => {
        tf.registerBackend('broken', () => tf.findBackend('cpu'));
        tf.registerKernel({
          kernelName: 'BatchMatMul',
          backendName: 'broken',
          kernelFunc: ({ inputs }) => inputs.a as tf.TensorInfo,
        });
        await tf.setBackend('broken');
        return { description: 'wrong', release: async () => undefined };
      },
    };
    const { name, reason } = await startEngine('auto', [broken, DRIVERS.at(-1)!]);
    expect(name).toBe('cpu');
    expect(reason).toMatch(/webgpu passed over: /);
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('the engines of this machine', () => {
  it('are tried fastest first', () => {
    expect(DRIVERS.map(({ name }) => name)).toEqual(['cuda', 'native', 'webgpu', 'wasm', 'cpu']);
  });

  it('wasm leaves no handler for uncaught errors behind', async () => {
    const before = process.listenerCount('uncaughtException');
    await startEngine('wasm');
    expect(process.listenerCount('uncaughtException')).toBe(before);
  });

  it.each(['wasm', 'cpu'] as const)('%s starts by name', async (name) => {
    const engine = await startEngine(name);
    expect(engine.name).toBe(name);
    expect(tf.getBackend()).toBe(name);
    expect(engine.reason).toMatch(/chosen by name\.$/);
  });

  it.each([
    ['cuda', '@tensorflow/tfjs-node-gpu'],
    ['native', '@tensorflow/tfjs-node'],
    ['webgpu', 'webgpu'],
  ] as const)('%s without its package is a coded error', async (name, packageName) => {
    // Where the package is installed the engine may work: then there is no error to see.
    if (engineEntry(packageName)) return;
    await expect(startEngine(name)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining(`package ${packageName} not installed`) as string,
    });
  });
});

describe('isSoftware', () => {
  const info = { vendor: 'nvidia', architecture: 'hopper', device: '', description: 'NVIDIA H100' };
  it.each([
    ['a GPU', info, false],
    ['SwiftShader', { ...info, vendor: 'google', architecture: 'swiftshader', description: '' }, true],
    ['lavapipe', { ...info, vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
    ['a fallback adapter', { ...info, isFallbackAdapter: true }, true],
  ])('%s', (_, adapter, expected) => expect(isSoftware(adapter)).toBe(expected));
});

describe('restoreUtil', () => {
  it('gives back what Node 23 removed', () => {
    restoreUtil();
    const util = createRequire(import.meta.url)('util') as { isNullOrUndefined(value: unknown): boolean };
    expect([null, undefined, 0, ''].map((value) => util.isNullOrUndefined(value))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
