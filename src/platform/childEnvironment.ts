/** What native code and the engines need. No database address and no API key is among it. */
const NEEDED =
  /^(PATH|NODE_COMPILE_CACHE|HOME|USER|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|LD_LIBRARY_PATH|DYLD_.*|CUDA_.*|NVIDIA_.*|TF_.*|OMP_.*|XLA_.*|VK_.*|MESA_.*|LIBGL_.*|DISPLAY|XDG_RUNTIME_DIR|SHINGO_SOFTWARE_GPU)$/;

/** Where AWS's tools look for credentials and certificates. */
const OF_BLOB_STORE = /^(AWS_.*|NODE_EXTRA_CA_CERTS)$/;

/**
 * The environment of a child that works on what others sent.
 * @param asksBlobStore of one that is given a blob store as well
 */
export const childEnvironment = (asksBlobStore = false): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => NEEDED.test(name) || (asksBlobStore && OF_BLOB_STORE.test(name)),
    ),
  );
