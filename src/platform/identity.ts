/** Which service this is: its version, and the commit of its sources. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ServiceIdentity {
  version: string;
  /** With '-dirty' at its end where the sources have been changed since; null: not known. */
  commit: string | null;
}

const GIT_MS = 5_000;
let known: Promise<ServiceIdentity> | undefined;

/** Found once: what runs was loaded from the sources as they were then. */
export const identity = (): Promise<ServiceIdentity> => (known ??= find());

async function find(): Promise<ServiceIdentity> {
  const root = packageFolder();
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
    .version;
  return { version, commit: builtFrom(root) ?? (await gitCommit(root)) };
}

/** The nearest folder above with a package.json: above the sources, and above what is built of them into dist/. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** An image has no repository: its build writes this file. */
function builtFrom(root: string): string | null {
  const file = join(root, 'dist', 'COMMIT');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() || null : null;
}

function gitCommit(root: string): Promise<string | null> {
  const question = ['describe', '--always', '--dirty', '--exclude=*', '--abbrev=40'];
  return new Promise((resolve) => {
    execFile('git', question, { cwd: root, timeout: GIT_MS }, (error, stdout) =>
      resolve(error ? null : stdout.trim() || null),
    );
  });
}
