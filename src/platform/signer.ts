/** Signs addresses that need no API key: whoever has one may do what it says, until it expires. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Signer {
  sign(text: string): string;
  verify(text: string, signature: string): boolean;
}

/** @param secret the same in every process that signs or verifies */
export function createSigner(secret: string | Buffer): Signer {
  const sign = (text: string) => createHmac('sha256', secret).update(text).digest('base64url');
  return {
    sign,
    verify: (text, signature) => {
      const [expected, given] = [Buffer.from(sign(text)), Buffer.from(signature)];
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
  };
}

/** The key of this data folder, made by whichever process comes first. */
export async function keyInFolder(dataDir: string): Promise<Buffer> {
  const file = join(dataDir, 'upload.key');
  const known = await readFile(file).catch(() => null);
  if (known && known.length >= 32) return known;
  await mkdir(dataDir, { recursive: true });
  // Written aside and linked: no other process reads half a key, and two that start together end up with one.
  const aside = `${file}.${process.pid}`;
  await writeFile(aside, randomBytes(32), { mode: 0o600 });
  await link(aside, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(aside);
  return readFile(file);
}
