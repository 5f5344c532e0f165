import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** The nearest parent with a package.json: tests run from dist/ or from a build folder of their own. */
function repositoryRoot(from = import.meta.dirname): string {
  return existsSync(join(from, 'package.json')) ? from : repositoryRoot(dirname(from));
}

/** Real photos beside the repository, never inside it. */
export const SHARED_DATA = join(repositoryRoot(), '..', 'shared', 'data');

/** A test on real photos; where they are missing it is skipped under a name that says so. */
export function testWithData(folder: string, name: string, run: (path: string) => Promise<void>): void {
  const path = join(SHARED_DATA, folder);
  if (existsSync(path)) test(name, () => run(path));
  else test.skip(`${name} (skipped: ${path} is missing)`, () => {});
}

/** A picture with structure, so that its JPEG has a long scan. */
export function plasma(width: number, height: number) {
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = 128 + 90 * Math.sin(i / 37) + 30 * Math.cos(i / 5.3);
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

export const plain = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 3, background } });
