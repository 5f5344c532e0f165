/** Made detections: lights of four colours, a model that finds most of them, and false ones. */
import type { Detected, Truth } from '../../src/training/statistics/detection/index.js';
import { generator } from '../../src/training/random.js';

export const COLOURS = 4;

/** @yields images of `boxes` labels and about a quarter more detections; half of the lights are under 8.5 px wide. */
export function* madeImages(
  images: number,
  boxes: number,
  seed: number,
): Generator<{ truths: Truth[]; detections: Detected[] }> {
  const random = generator(seed);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const box = () => {
    const width = 3 + 5.5 * Math.exp(gauss() * 0.7);
    return { x: random() * 1240, y: random() * 600, width, height: width * (1.8 + random()) };
  };
  const label = () => Math.min(COLOURS - 1, Math.floor(random() ** 2 * COLOURS));
  for (let i = 0; i < images; i++) {
    const truths = Array.from({ length: boxes }, (): Truth => ({
      label: label(),
      ignore: random() < 0.02,
      ...box(),
    }));
    const detections = truths.flatMap((truth): Detected[] => {
      if (random() < 0.2) return [];
      const spread = 0.02 + 0.2 * random() ** 2;
      const moved = {
        x: truth.x + gauss() * spread * truth.width,
        y: truth.y + gauss() * spread * truth.height,
        width: truth.width * Math.exp(gauss() * spread),
        height: truth.height * Math.exp(gauss() * spread),
      };
      const found = random() < 0.95 ? truth.label : label();
      return [{ label: found, score: 1 / (1 + Math.exp(gauss() - 2 + 6 * spread)), ...moved }];
    });
    while (detections.length < boxes * 1.25)
      detections.push({ label: label(), score: 1 / (1 + Math.exp(gauss() + 1)), ...box() });
    yield { truths, detections };
  }
}
