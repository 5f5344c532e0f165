/** Random brightness, contrast, saturation and white balance. The hue stays: it is what tells lights apart. */
import { between, luma, meanLuma, type Picture, type Random } from './picture.js';

/** @param strength 0: none, to 1. In place. */
export function jitterColor(picture: Picture, strength: number, random: Random): void {
  const { data } = picture;
  const brightness = Math.exp(between(random, -0.4, 0.4) * strength);
  const contrast = 1 + between(random, -0.35, 0.35) * strength;
  const saturation = 1 + between(random, -0.4, 0.4) * strength;
  // Between a cloudy sky and a low sun a camera's automatic balance is off by some 10 %.
  const warmth = between(random, -0.08, 0.08) * strength;
  const gains = [1 + warmth, 1, 1 - warmth];
  const mean = meanLuma(picture);
  for (let i = 0; i < data.length; i += 3) {
    const gray = luma(data[i]!, data[i + 1]!, data[i + 2]!);
    for (let c = 0; c < 3; c++) {
      const saturated = gray + (data[i + c]! - gray) * saturation;
      data[i + c] = (mean + (saturated - mean) * contrast) * brightness * gains[c]!;
    }
  }
}
