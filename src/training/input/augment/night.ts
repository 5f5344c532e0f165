/**
 * Day made night: what shines by itself stays as bright and gets a glow, all else goes dark and bluish, and the
 * sensor's noise shows.
 */
import { between, blurred, clamp, smoothstep, type Picture, type Random } from './picture.js';

/** Moonlight and street lamps leave blue more than red. */
const TINT = [0.85, 0.95, 1.15] as const;

/** How a lamp looks: from how much colour it counts as one, and how far its parts lie apart, as a share of the side. */
const LAMP = {
  /** A crop is of a light, pale ones included; a third of it may be one lamp. */
  crop: { saturation: [0.2, 0.4], reach: 1 / 8, halo: 1 / 12 },
  /** In a frame much else is pale; a lamp has a few pixels. */
  frame: { saturation: [0.35, 0.6], reach: 1 / 90, halo: 1 / 40 },
} as const;

/** In place. Day at a mean luma of 120 becomes some 15 to 50, as most real night pictures have. */
export function makeNight(picture: Picture, random: Random, frame: boolean): void {
  const { data, width, height } = picture;
  const ambient = between(random, 0.15, 0.45);
  const gamma = between(random, 1.1, 1.4);
  const glow = between(random, 0.2, 0.5);
  const noise = between(random, 2, 7);
  const lamp = frame ? LAMP.frame : LAMP.crop;
  const shining = emitters(picture, lamp);
  const light = new Float32Array(data.length);
  for (let i = 0; i < shining.length; i++)
    for (let c = 0; c < 3; c++) light[3 * i + c] = data[3 * i + c]! * shining[i]!;
  const halo = blurred(light, width, height, 3, radius(picture, lamp.halo));
  for (let i = 0; i < shining.length; i++) {
    // Two uniform numbers make a triangle, near enough to a sensor's noise.
    const grain = (random() + random() - 1) * noise;
    for (let c = 0; c < 3; c++) {
      const at = 3 * i + c;
      const dark = 255 * (clamp(data[at]!, 0, 255) / 255) ** gamma * ambient * TINT[c]!;
      data[at] = dark * (1 - shining[i]!) + light[at]! + glow * halo[at]! + grain;
    }
  }
}

const radius = ({ width, height }: Picture, share: number) =>
  Math.max(1, Math.round(Math.min(width, height) * share));

/**
 * 0 to 1 for each pixel: how much it looks like a lamp, that is bright and coloured, red to the bluish green of LEDs (a
 * blue sky is not), or white beside such colour, as the middle of an overexposed lamp is.
 */
function emitters(picture: Picture, { saturation: [pale, full], reach }: (typeof LAMP)['crop' | 'frame']) {
  const { data, width, height } = picture;
  const coloured = new Float32Array(width * height);
  for (let i = 0; i < coloured.length; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    const most = Math.max(r, g, b);
    const saturation = most > 0 ? (most - Math.min(r, g, b)) / most : 0;
    const blue = b > 1.08 * g && b > r;
    if (!blue) coloured[i] = smoothstep(130, 200, most) * smoothstep(pale, full, saturation);
  }
  const around = blurred(coloured, width, height, 1, radius(picture, reach));
  const lamps = coloured.map((own, i) => {
    const dimmest = Math.min(data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!);
    return Math.max(own, smoothstep(140, 210, dimmest) * smoothstep(0.05, 0.25, around[i]!));
  });
  // Holes in a lamp, where red turns to white, belong to it.
  const filled = blurred(lamps, width, height, 1, radius(picture, reach / 4));
  return lamps.map((own, i) => Math.max(own, smoothstep(0.35, 0.65, filled[i]!)));
}
