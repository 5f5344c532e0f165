/** What native code and the engines need. No database address and no API key is among it. */
const NEEDED =
  /^(PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|LD_LIBRARY_PATH|DYLD_.*|CUDA_.*|NVIDIA_.*|TF_.*|OMP_.*|XLA_.*|VK_.*|MESA_.*|LIBGL_.*|DISPLAY|XDG_RUNTIME_DIR|SHINGO_SOFTWARE_GPU)$/;

/** The environment of a child that works on what others sent. */
export const childEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => NEEDED.test(name)));
