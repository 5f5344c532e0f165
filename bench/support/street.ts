/**
 * The nine photos of data/street (1368 × 1096, a test lane), as a person sees them: each has one traffic light, none has
 * a person or another road user. Edges of the light's housing, read off the pictures by eye to about 3 px.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

export interface StreetLight {
  file: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export const STREET_LIGHTS: readonly StreetLight[] = [
  { file: 'left0000.jpg', x: 645, y: 415, width: 21, height: 58 },
  { file: 'left0140.jpg', x: 526, y: 385, width: 38, height: 108 },
  { file: 'left0183.jpg', x: 88, y: 325, width: 83, height: 216 },
  { file: 'left0282.jpg', x: 348, y: 363, width: 59, height: 165 },
  { file: 'left0358.jpg', x: 604, y: 395, width: 35, height: 99 },
  { file: 'left0528.jpg', x: 609, y: 402, width: 33, height: 94 },
  { file: 'left0561.jpg', x: 513, y: 377, width: 50, height: 133 },
  { file: 'left0681.jpg', x: 256, y: 354, width: 66, height: 179 },
  { file: 'left0701.jpg', x: 256, y: 354, width: 66, height: 179 },
];

/** The folder of the photos beside the repository; null: it is not here. */
export function streetFolder(from = import.meta.dirname): string | null {
  if (!existsSync(join(from, 'package.json')))
    return from === dirname(from) ? null : streetFolder(dirname(from));
  const folder = join(from, '..', 'shared', 'data', 'street');
  return existsSync(folder) && readdirSync(folder).length > 0 ? folder : null;
}

/** The photo with its light, or both made smaller and laid on grey of the size that the photo had: lights far away. */
export async function shrunk(
  folder: string,
  light: StreetLight,
  scale: number,
  scratch: string,
): Promise<{ path: string; light: StreetLight }> {
  const photo = join(folder, light.file);
  if (scale === 1) return { path: photo, light };
  const { width, height } = await sharp(photo).metadata();
  const [left, top] = [200, 100];
  const small = await sharp(photo)
    .resize(Math.round(width * scale), Math.round(height * scale))
    .png()
    .toBuffer();
  const path = join(scratch, `${scale}-${light.file}.png`);
  await sharp({ create: { width, height, channels: 3, background: '#808080' } })
    .composite([{ input: small, left, top }])
    .png()
    .toFile(path);
  const box = { x: left + light.x * scale, y: top + light.y * scale };
  return {
    path,
    light: { ...light, ...box, width: light.width * scale, height: light.height * scale },
  };
}
