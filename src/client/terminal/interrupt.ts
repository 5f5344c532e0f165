/** Runs `work` with a signal that Ctrl-C aborts; once more ends the process at once. */
export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  let at = 0;
  const onSignal = () => {
    // npm passes the keystroke on that the terminal has sent already.
    if (interruption.signal.aborted && Date.now() - at > 1000) process.exit(130);
    at ||= Date.now();
    interruption.abort(new Error('interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  try {
    return await work(interruption.signal);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}
