// Runs a task of this checkout on a machine that has only Node >= 20.19 and npm: installs what is missing, builds,
// and hands over to the Node that package.json pins. Plain JavaScript without dependencies, since it comes first.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError, setupEngine } from './setupEngine.mjs';
import { setupS3 } from './setupS3.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...path) => join(root, ...path);
const pinnedNode = at('node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
// Ctrl-C in a terminal reaches the whole process group: the task drains, and this process waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child?.kill(signal));
let child;

const npmFile = process.env.npm_execpath;
const npm = npmFile ? [process.execPath, npmFile] : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];

function fail(message) {
  console.error(message);
  process.exit(1);
}

function ensureInstalled() {
  const installed = at('node_modules', '.package-lock.json');
  const fresh =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(at('package-lock.json')).mtimeMs;
  if (fresh && existsSync(pinnedNode)) return;
  console.error('Installing dependencies (once; about a minute) ...');
  const flags = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync(npm[0], [...npm.slice(1), ...flags], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail('npm ci failed; its messages above say why.');
  if (!existsSync(pinnedNode)) {
    fail(
      'The pinned Node is missing: npm did not run the install script of the package "node". Try: npm rebuild node',
    );
  }
}

/** What Node has compiled is kept for the next process: the command line is there in 0.9 s, not 1.3. */
const compiled = {
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? at('node_modules', '.cache', 'compiled'),
};

/** Runs a JavaScript file on the pinned Node and waits for it. */
function node(args, environment = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, ...compiled, ...environment };
    child = spawn(pinnedNode, args, { cwd: root, stdio: 'inherit', env });
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
    child.on('error', (error) => fail(error.message));
  });
}

async function step(args, environment) {
  const code = await node(args, environment);
  if (code !== 0) process.exit(code);
}

const tool = (name, file) => at('node_modules', name, file);
const build = () => step([tool('typescript', 'bin/tsc'), '-p', at('tsconfig.json')]);
const shingo = (args) =>
  step(['--enable-source-maps', '--disable-warning=ExperimentalWarning', at('dist/src/main.js'), ...args], {
    // Otherwise graphql-js checks its own objects at every value.
    NODE_ENV: process.env.NODE_ENV ?? 'production',
  });

const lint = async () => {
  await step([tool('eslint', 'bin/eslint.js'), '--max-warnings=0', '.']);
  await step([tool('prettier', 'bin/prettier.cjs'), '--check', '--log-level=warn', '.']);
  await step([
    tool('dependency-cruiser', 'bin/dependency-cruise.mjs'),
    '--output-type=err',
    'src',
    'migrations',
  ]);
};
const jest = (args) =>
  step([tool('jest', 'bin/jest.js'), ...args], {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning --enable-source-maps',
  });

const tasks = {
  build,
  lint,
  typecheck: () => step([tool('typescript', 'bin/tsc'), '-p', at('tsconfig.json'), '--noEmit']),
  shingo: async (args) => {
    await build();
    await shingo(args);
  },
  test: async (args) => {
    await build();
    if (args.length === 0) await lint();
    await jest(args);
  },
  schema: async () => {
    await build();
    await step([at('dist/src/printSchema.js')]);
  },
  bench: async (args) => {
    await build();
    await step([
      '--enable-source-maps',
      '--disable-warning=ExperimentalWarning',
      at('dist/bench/main.js'),
      ...args,
    ]);
  },
  engines: async (args) => {
    await build();
    await step([at('dist/src/training/engines/list.js'), ...args]);
  },
  setup: async ([name]) => {
    if (name === 's3') {
      await setupS3({ root, say: (line) => console.error(line) }).catch((error) =>
        fail(`setup:s3 stopped: ${error.message}`),
      );
      return;
    }
    await setupEngine(name, { root, npm, say: (line) => console.error(line) }).catch((error) => {
      fail(error instanceof SetupError ? `setup:${name} stopped: ${error.message}` : error.stack);
    });
    await tasks.engines([name]);
  },
  format: () => step([tool('prettier', 'bin/prettier.cjs'), '--write', '--log-level=warn', '.']),
};

const [task, ...args] = process.argv.slice(2);
if (!(task in tasks)) fail(`usage: node scripts/run.mjs ${Object.keys(tasks).join('|')} [arguments]`);
ensureInstalled();
await tasks[task](args);
