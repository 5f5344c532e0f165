import type { Drop } from './draw/weather.js';
import type { Mood } from './mood.js';
import { between, seededRandom, type Random } from './random.js';
import { HEIGHT, WIDTH } from './stage.js';

/** RGB, 8 bit, row by row; changed in place. */
export type Pixels = Uint8Array;

const CHANNELS = 3;
const NOISE_SIZE = 1 << 16;

/** One table of normal deviates serves all pictures; each starts at its own place (20 × faster than drawing them). */
const NOISE = normals(seededRandom('noise'), NOISE_SIZE);

function normals(random: Random, size: number): Float32Array {
  // Twelve uniforms have variance 1; their sum is normal enough for a sensor.
  return Float32Array.from({ length: size }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random();
    return sum;
  });
}

/** A drop shows the whole street behind it upside down, darker at its rim. */
export function bendDrops(pixels: Pixels, drops: readonly Drop[]): void {
  const source = Uint8Array.from(pixels);
  for (const drop of drops) bendDrop(pixels, source, drop);
}

function bendDrop(pixels: Pixels, source: Uint8Array, { x: cx, y: cy, r }: Drop): void {
  for (let y = Math.max(0, Math.floor(cy - r)); y <= Math.min(HEIGHT - 1, cy + r); y++) {
    for (let x = Math.max(0, Math.floor(cx - r)); x <= Math.min(WIDTH - 1, cx + r); x++) {
      const d = Math.hypot(x - cx, y - cy) / r;
      if (d > 1) continue;
      const sx = Math.round(Math.min(WIDTH - 1, Math.max(0, cx - (x - cx) * 4)));
      const sy = Math.round(Math.min(HEIGHT - 1, Math.max(0, cy - (y - cy) * 4)));
      // Opaque in the middle, gone at the rim; a light edge below, where the drop gathers the sky.
      const k = 0.75 * Math.min(1, (1 - d) * 3);
      const shade = 1 + 0.3 * ((y - cy) / r) * d;
      const [to, from] = [(y * WIDTH + x) * CHANNELS, (sy * WIDTH + sx) * CHANNELS];
      for (let c = 0; c < CHANNELS; c++) {
        const value = pixels[to + c]! * (1 - k) + source[from + c]! * shade * k;
        pixels[to + c] = value > 255 ? 255 : value;
      }
    }
  }
}

/** The lens darkens its corners and the sensor adds grain: mostly luma, a third of it in colour. */
export function develop(pixels: Pixels, { noise, cast }: Pick<Mood, 'noise' | 'cast'>, random: Random): void {
  let at = Math.floor(random() * NOISE_SIZE);
  const stride = 1 + 2 * Math.floor(between(random, 0, 64));
  const mask = NOISE_SIZE - 1;
  const balance = [cast[0], 1, cast[1]];
  for (let y = 0, i = 0; y < HEIGHT; y++) {
    const v = ((y - HEIGHT / 2) / HEIGHT) ** 2;
    for (let x = 0; x < WIDTH; x++, i += CHANNELS) {
      const gain = 1.02 - 0.2 * (((x - WIDTH / 2) / WIDTH) ** 2 + v);
      const luma = NOISE[(at += stride) & mask]! * noise;
      for (let c = 0; c < CHANNELS; c++) {
        const value =
          pixels[i + c]! * gain * balance[c]! + luma + NOISE[(at + c * 21_001) & mask]! * noise * 0.4;
        pixels[i + c] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
}
