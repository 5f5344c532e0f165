import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderShot } from '../seeds/demo.js';
import { planDemo } from '../seeds/plan.js';
import { iou } from '../src/training/detector/boxes.js';
import { loadDetector, type Detection, type Detector } from '../src/training/detector/detector.js';
import { SIDE } from '../src/training/detector/views.js';
import { startEngine } from '../src/training/engines/index.js';
import { type Benchmark, quantile, timed } from './support/harness.js';
import { shrunk, STREET_LIGHTS, streetFolder, type StreetLight } from './support/street.js';

/** A detection is of the light if they overlap so much: the network leaves a margin around small things. */
const MATCH = 0.4;

interface Verdict {
  file: string;
  light: StreetLight;
  found: Detection | undefined;
  falseLights: number;
  others: Detection[];
}

function judge(light: StreetLight, detections: Detection[]): Verdict {
  const lights = detections.filter(({ name }) => name === 'traffic light');
  const found = lights.find((one) => iou(one, light) >= MATCH);
  const others = detections.filter(({ name }) => name !== 'traffic light');
  return { file: light.file, light, found, falseLights: lights.length - Number(Boolean(found)), others };
}

/** What is found of what a person sees, whole and in tiles, at sizes down to a fifth. */
async function measureFinds(
  detector: Detector,
  folder: string,
  figures: Record<string, number>,
  say: (line: string) => void,
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  try {
    for (const scale of [1, 0.5, 0.3, 0.2])
      for (const tiles of [false, true]) {
        const verdicts: Verdict[] = [];
        for (const light of STREET_LIGHTS) {
          const shown = await shrunk(folder, light, scale, scratch);
          verdicts.push(judge(shown.light, await detector.detect(shown.path, { tiles })));
        }
        const found = verdicts.filter((verdict) => verdict.found);
        const widths = (list: Verdict[]) =>
          list.map(({ light }) => Math.round(light.width)).sort((a, b) => a - b);
        const name = `${tiles ? 'tiles' : 'whole'}, photos at ${scale * 100} %`;
        say(
          `${name}: ${found.length} of ${verdicts.length} lights; px wide and found ${widths(found).join(' ') || '-'}, ` +
            `missed ${widths(verdicts.filter((verdict) => !verdict.found)).join(' ') || '-'}`,
        );
        figures[`lights found of 9, ${name}`] = found.length;
        if (scale < 1) continue;
        figures[`false lights, ${name}`] = verdicts.reduce((sum, { falseLights }) => sum + falseLights, 0);
        figures[`false others, ${name}`] = verdicts.reduce((sum, { others }) => sum + others.length, 0);
        for (const one of verdicts) say(`  ${one.file}: ${described(one)}`);
      }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const described = ({ found, light, falseLights, others }: Verdict): string =>
  [
    found ? `light found, score ${found.score}, IoU ${iou(found, light).toFixed(2)}` : 'light missed',
    `${falseLights} false lights`,
    `${others.length} false others`,
  ].join(', ');

async function renderedScenes(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const [n, shot] of planDemo(9, 1).entries()) {
    const path = join(folder, `${n}.jpg`);
    await writeFile(path, (await renderShot(shot, 1)).jpeg);
    paths.push(path);
  }
  return paths;
}

export const bench: Benchmark = {
  title: 'Objects: the detector on pictures against its network alone, and what it finds on data/street',
  options: { rounds: 3 },
  targets: {
    'whole picture / network alone': { max: 1.5 },
    'tiles / five times the network': { max: 1.2 },
  },
  async run({ rounds = 3 }, say) {
    const figures: Record<string, number> = {};
    const engine = await startEngine('auto');
    say(engine.reason);
    const detector = await loadDetector();
    const scratch = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
    const street = streetFolder();
    try {
      const paths = street
        ? STREET_LIGHTS.map(({ file }) => join(street, file))
        : await renderedScenes(scratch);
      say(
        street
          ? 'Photos of data/street'
          : 'data/street is missing: rendered scenes; nothing is said of finds',
      );
      const grey = new Uint8Array(SIDE * SIDE * 3).fill(128);
      const times = rounds * paths.length;
      const path = (n: number) => paths[(n + paths.length) % paths.length] as string;
      const bare = quantile(await timed(times, () => detector.execute(grey)), 0.5);
      const whole = quantile(await timed(times, (n) => detector.detect(path(n), { tiles: false })), 0.5);
      const tiled = quantile(await timed(times, (n) => detector.detect(path(n), { tiles: true })), 0.5);
      figures['network alone p50, ms'] = bare;
      figures['whole picture p50, ms'] = whole;
      figures['tiles p50, ms'] = tiled;
      figures['whole picture / network alone'] = whole / bare;
      figures['tiles / five times the network'] = tiled / (5 * bare);
      if (street) await measureFinds(detector, street, figures, say);
    } finally {
      detector.dispose();
      await engine.release();
      await rm(scratch, { recursive: true, force: true });
    }
    return figures;
  },
};
