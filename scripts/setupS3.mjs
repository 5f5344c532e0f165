// `npm run setup:s3`: a real S3 server for the tests, from the Go module proxy alone, into .shingo/s3. It is the Versity
// gateway (Apache-2.0), which serves a folder by the S3 protocol. Needs Go 1.25 or newer; a build takes about a minute.
import { execFileSync } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MODULE = 'github.com/versity/versitygw';
const VERSION = 'v1.8.0';

export async function setupS3({ root, say }) {
  const folder = join(root, '.shingo', 's3');
  const source = join(folder, 'module');
  await mkdir(source, { recursive: true });
  await writeFile(join(source, 'go.mod'), 'module shingo-s3\n');
  const go = (...args) =>
    execFileSync('go', args, {
      cwd: source,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' },
    });
  say(`Fetching and building ${MODULE} ${VERSION} ...`);
  go('get', `${MODULE}@${VERSION}`);
  // Aside first: half a program is none.
  go('build', '-trimpath', '-ldflags=-s -w', '-o', join(folder, 'building'), `${MODULE}/cmd/versitygw`);
  const program = join(folder, 'versitygw');
  await rename(join(folder, 'building'), program);
  say(`The tests find it at ${program}.`);
}
