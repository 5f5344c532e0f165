/**
 * The same small training on every engine that works here, each in the trainer's own process, against `cpu`. An engine
 * that does not work here is skipped, and says why.
 */
import { existsSync } from 'node:fs';
import { probeEngines } from '../../../src/training/engines/present.js';
import type { EngineName } from '../../../src/training/protocol.js';
import { type DataSet, discs, epochsOf, trainerMessages, trainingSpec, value } from './support.js';

/** Debian's chromium carries this software adapter; Dawn finds it through the Vulkan loader (libvulkan1). */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
/** A GPU where there is one, else SwiftShader. */
const environment = {
  ...process.env,
  SHINGO_SOFTWARE_GPU: '1',
  ...(existsSync(SWIFTSHADER) && { VK_ADD_DRIVER_FILES: SWIFTSHADER }),
};

const others = (await probeEngines(['cuda', 'native', 'webgpu', 'wasm'], environment)).map((probe) => ({
  ...probe,
  title: probe.works ? `${probe.engine} (${probe.reason})` : `${probe.engine}, not here: ${probe.reason}`,
}));

let data: DataSet;
/**
 * SGD shows a wrong gradient as it is. Adam divides each gradient by its own size, so that where it is zero but for
 * rounding its sign, and with it a whole step, is up to the engine: at the rate 0.005 losses differ by 2e-3.
 */
const SETTINGS = [
  { optimizer: 'SGD', learningRate: 0.01 },
  { optimizer: 'Adam', learningRate: 0.001 },
] as const;
type Setting = (typeof SETTINGS)[number];
let references: Losses[];
beforeAll(async () => {
  data = await discs();
  references = [];
  for (const setting of SETTINGS) references.push(await losses('cpu', setting));
}, 120_000);
afterAll(() => data.remove());

interface Losses {
  TRAIN: number;
  VALIDATION: number;
}

/** Of one epoch of 24 crops in batches of 8. */
async function losses(engine: EngineName, setting: Setting): Promise<Losses> {
  const spec = await trainingSpec(data, { epochs: 1, ...setting }, { engine });
  const messages = await trainerMessages(spec, environment);
  expect(messages.at(-1)).toMatchObject({ type: 'trained' });
  expect(messages[0]).toMatchObject({ type: 'engine', engine });
  const [epoch] = epochsOf(messages);
  return { TRAIN: value(epoch!, 'TRAIN', 'loss'), VALIDATION: value(epoch!, 'VALIDATION', 'loss') };
}

for (const { engine, works, reason, title } of others)
  (works ? it : it.skip)(
    `${title}: losses after one epoch are those of cpu to 1e-3`,
    async () => {
      for (const [i, setting] of SETTINGS.entries()) {
        // SwiftShader takes half a minute to compile the kernels of either.
        if (i > 0 && reason.includes('SwiftShader')) continue;
        const found = await losses(engine, setting);
        for (const split of ['TRAIN', 'VALIDATION'] as const)
          expect(Math.abs(found[split] / references[i]![split] - 1)).toBeLessThan(1e-3);
      }
    },
    // On two busy cores SwiftShader has taken two minutes, a GPU takes seconds.
    400_000,
  );

it('wasm is one of them: it comes with the service', () => {
  expect(others.find(({ engine }) => engine === 'wasm')).toMatchObject({ works: true });
});
