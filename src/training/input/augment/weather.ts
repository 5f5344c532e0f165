/** Fog and rain, over whatever light there is. */
import { between, blurred, luma, meanLuma, type Picture, type Random } from './picture.js';

/**
 * Koschmieder's law: what is seen is scene · t + airlight · (1 - t), where t falls with the distance. A crop is all at
 * one distance; in a frame of a road camera distance follows from the row.
 */
export function makeFog(picture: Picture, random: Random, frame: boolean): void {
  const { data, width, height } = picture;
  // The air shines as the scene does: pale by day, a dim veil by night.
  const airlight = Math.min(225, meanLuma(picture) * 1.1 + between(random, 25, 60));
  const density = between(random, 0.35, 1.1);
  const scatter = between(random, 0.2, 0.5);
  const soft = blurred(data, width, height, 3, Math.max(1, Math.round(Math.min(width, height) / 90)));
  for (let y = 0; y < height; y++) {
    const distance = frame ? roadDistance(y / height) : 0.8;
    const through = Math.exp(-density * distance);
    const blur = scatter * Math.min(distance, 1);
    for (let at = y * width * 3; at < (y + 1) * width * 3; at++) {
      const scene = data[at]! * (1 - blur) + soft[at]! * blur;
      data[at] = scene * through + airlight * (1 - through);
    }
  }
}

/** Seen from a car: all above the horizon, at 45 % of the height, is far; the bonnet is near. */
const roadDistance = (row: number): number => (row < 0.45 ? 1.6 : 1.6 / (1 + 7 * (row - 0.45)));

/** Less contrast and colour under a grey sky, and streaks that fall aslant. */
export function makeRain(picture: Picture, random: Random): void {
  const { data } = picture;
  const mean = meanLuma(picture);
  const contrast = between(random, 0.7, 0.9);
  const saturation = between(random, 0.6, 0.85);
  const brightness = between(random, 0.8, 1);
  for (let i = 0; i < data.length; i += 3) {
    const gray = luma(data[i]!, data[i + 1]!, data[i + 2]!);
    for (let c = 0; c < 3; c++) {
      const dull = gray + (data[i + c]! - gray) * saturation;
      data[i + c] = (mean + (dull - mean) * contrast) * brightness;
    }
  }
  streaks(picture, random, mean * brightness);
}

function streaks({ data, width, height }: Picture, random: Random, mean: number): void {
  const side = Math.min(width, height);
  const slant = between(random, -0.25, 0.25);
  const count = Math.round((width * height) / between(random, 350, 800));
  for (let streak = 0; streak < count; streak++) {
    const length = between(random, 0.04, 0.12) * side + 3;
    const left = between(random, 0, width);
    const top = between(random, -length, height);
    // A drop shows the sky behind the camera: lighter than most, and faint.
    const shine = between(random, 0.06, 0.2);
    for (let step = 0; step < length; step++) {
      const x = left + slant * step;
      const y = Math.round(top + step);
      if (y < 0 || y >= height) continue;
      // Faint at both ends, and spread over two columns by where it lies between them.
      const strength = shine * Math.sin((Math.PI * (step + 0.5)) / length);
      const column = Math.floor(x);
      blend(column, y, strength * (1 - (x - column)));
      blend(column + 1, y, strength * (x - column));
    }
  }

  function blend(x: number, y: number, share: number): void {
    if (x < 0 || x >= width) return;
    const at = (y * width + x) * 3;
    const light = Math.min(235, mean * 1.3 + 70);
    for (let c = 0; c < 3; c++) data[at + c] = data[at + c]! * (1 - share) + light * share;
  }
}
