// `npm run setup:native`, `setup:cuda` and `setup:webgpu`: what a training engine needs beyond `npm ci`, from the
// package registries alone, into .shingo/engines/NAME. The download host that tfjs-node's own install script asks is
// not needed: its C++ addon is compiled here against the TensorFlow that the Python wheel carries.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TENSORFLOW = '2.21.0';
/** Any Python may fetch them: only the libraries and C headers inside are used, which are the same for every Python. */
const WHEEL = ['--python-version=3.11', '--implementation=cp', '--platform=manylinux_2_27_x86_64'];
const NVIDIA = ['--platform=manylinux_2_17_x86_64', '--platform=manylinux2014_x86_64'];
NVIDIA.push('--platform=manylinux1_x86_64', '--platform=manylinux_2_27_x86_64', '--python-version=3.11');

const ENGINES = {
  native: {
    addon: '@tensorflow/tfjs-node',
    wheels: [
      {
        package: `tensorflow-cpu==${TENSORFLOW}`,
        flags: WHEEL,
        sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
      },
    ],
  },
  cuda: {
    addon: '@tensorflow/tfjs-node-gpu',
    wheels: [
      {
        package: `tensorflow==${TENSORFLOW}`,
        flags: WHEEL,
        sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
      },
      // The oldest that this wheel's metadata allows: CUDA 12.5 and cuDNN 9.3, with which it was built.
      ...[
        ['nvidia-cublas-cu12==12.5.3.2', 'ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b'],
        [
          'nvidia-cuda-cupti-cu12==12.5.82',
          'bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953',
        ],
        [
          'nvidia-cuda-nvcc-cu12==12.5.82',
          'b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0',
        ],
        [
          'nvidia-cuda-nvrtc-cu12==12.5.82',
          '3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd',
        ],
        [
          'nvidia-cuda-runtime-cu12==12.5.82',
          '3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115',
        ],
        ['nvidia-cudnn-cu12==9.3.0.75', '9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d'],
        ['nvidia-cufft-cu12==11.2.3.61', '9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8'],
        ['nvidia-curand-cu12==10.3.6.82', '2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536'],
        [
          'nvidia-cusolver-cu12==11.6.3.83',
          '93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b',
        ],
        [
          'nvidia-cusparse-cu12==12.5.1.3',
          '016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752',
        ],
        ['nvidia-nccl-cu12==2.27.7', 'de5ba5562f08029a19cb1cd659404b18411ed0d6c90ac5f52f30bf99ad5809aa'],
        [
          'nvidia-nvjitlink-cu12==12.5.82',
          'f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212',
        ],
      ].map(([name, sha256]) => ({ package: name, flags: NVIDIA, sha256 })),
    ],
  },
  webgpu: { wheels: [] },
};
/** Shared with the service: a second copy of tfjs-core would have tensors of another class. */
const SHARED = ['tfjs-core', 'tfjs-layers', 'tfjs-converter', 'tfjs-backend-cpu'];

export class SetupError extends Error {}

/** @throws SetupError with what to do about it */
export async function setupEngine(name, { root, npm, say }) {
  const engine = ENGINES[name];
  if (!engine) throw new SetupError(`usage: npm run setup:${Object.keys(ENGINES).join(' | npm run setup:')}`);
  if (engine.addon) checkMachine();
  const engines = join(root, '.shingo', 'engines');
  const target = join(engines, name);
  // A set-up that is cut off leaves no half engine behind: it is moved into place whole.
  const building = join(engines, `.${name}-${process.pid}`);
  await mkdir(building, { recursive: true });
  try {
    say(`Packages of ${name} ...`);
    await installPackages(join(root, 'scripts', 'engines', name), building, npm);
    await sharePackages(root, building);
    for (const wheel of engine.wheels) {
      say(`${wheel.package} ...`);
      await fetchWheel(wheel, building);
    }
    if (engine.addon) {
      say(`Compiling the addon of ${engine.addon} ...`);
      await compile(engine.addon, building);
    }
    await rm(target, { recursive: true, force: true });
    await rename(building, target);
    return target;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

function checkMachine() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new SetupError(`The wheels are for Linux on x86-64, not ${process.platform} on ${process.arch}.`);
  for (const [tool, remedy] of [
    [compiler, "a C++17 compiler (Debian's package g++), or CXX naming one"],
    ['python3', "Python 3 with pip (Debian's packages python3 and python3-pip)"],
  ])
    if (!runs(tool, ['--version'])) throw new SetupError(`${tool} is not here: install ${remedy}.`);
  if (!runs('python3', ['-m', 'pip', '--version']))
    throw new SetupError("python3 has no pip: install Debian's package python3-pip.");
}

const compiler = process.env.CXX || 'g++';

function runs(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function execute(command, args, options = {}) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  } catch {
    throw new SetupError(`${command} ${args.slice(0, 3).join(' ')} failed; its messages above say why.`);
  }
}

async function installPackages(lists, folder, npm) {
  for (const file of ['package.json', 'package-lock.json']) await cp(join(lists, file), join(folder, file));
  // Without scripts: tfjs-node's would download what is compiled here.
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execute(npm[0], [...npm.slice(1), ...flags], { cwd: folder });
}

async function sharePackages(root, folder) {
  for (const name of SHARED) {
    const copy = join(folder, 'node_modules', '@tensorflow', name);
    await rm(copy, { recursive: true, force: true });
    await symlink(join(root, 'node_modules', '@tensorflow', name), copy);
  }
}

/** Unpacks a wheel's libraries (and TensorFlow's headers) into `folder`/site, laid out as Python would. */
async function fetchWheel({ package: name, flags, sha256 }, folder) {
  const downloads = join(folder, 'wheel');
  await mkdir(downloads);
  const fetch = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];
  execute('python3', [...fetch, '--only-binary=:all:', ...flags, `--dest=${downloads}`, name]);
  const [file] = await readdir(downloads);
  const wheel = join(downloads, file);
  if ((await digest(wheel)) !== sha256)
    throw new SetupError(`${file} is not the file that this script was written for: its SHA-256 differs.`);
  const wanted = ['tensorflow/libtensorflow', 'tensorflow/include/', 'nvidia/'];
  const unpack =
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); ' +
    'z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith(tuple(sys.argv[3:]))])';
  execute('python3', ['-c', unpack, wheel, join(folder, 'site'), ...wanted]);
  await rm(downloads, { recursive: true });
}

async function digest(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** As the package's binding.gyp says, but against N-API headers from a package and without node-gyp. */
async function compile(addon, folder) {
  const module = join(folder, 'node_modules', addon);
  const tensorflow = join(folder, 'site', 'tensorflow');
  const out = join(module, 'lib', 'napi-v8');
  await mkdir(out, { recursive: true });
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(module, 'binding', file));
  const include = [join(folder, 'node_modules', 'node-api-headers', 'include'), join(tensorflow, 'include')];
  const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
  execute(compiler, [
    '-shared',
    '-o',
    join(out, 'tfjs_binding.node'),
    ...['-std=c++17', '-O2', '-fPIC', '-DNAPI_VERSION=8'],
    ...include.map((path) => `-I${path}`),
    ...sources,
    ...libraries.map((file) => join(tensorflow, file)),
    // From lib/napi-v8 of the package, wherever the whole folder is moved to.
    '-Wl,-rpath,$ORIGIN/../../../../../site/tensorflow',
  ]);
  // 200 MB that only the compiler reads.
  await rm(join(tensorflow, 'include'), { recursive: true });
  await writeFile(join(folder, 'site', 'VERSION'), `${TENSORFLOW}\n`);
}
