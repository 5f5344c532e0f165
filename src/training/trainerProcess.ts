/**
 * The trainer's process: forked by a worker, spoken to over IPC only (stdout and stderr carry nothing that matters),
 * gone when its parent is. One job per process.
 */
import { readFile } from 'node:fs/promises';
import { startEngine } from './engines/index.js';
import { environmentOf } from './environment.js';
import { TrainingError } from './error.js';
import { evaluate } from './evaluator.js';
import type { Job } from './job.js';
import { specSchema, trainerCommandSchema, type Spec, type TrainerMessage } from './protocol.js';
import { train } from './trainer.js';

const stop = new AbortController();
let started = false;
let unsent = 0;

/** Resolves when the channel has taken the message, so a slow parent slows the trainer instead of filling memory. */
function send(message: TrainerMessage): Promise<void> {
  // A parent that does not keep up gets fewer progress reports, never stale ones.
  if (message.type === 'progress' && unsent > 0) return Promise.resolve();
  unsent += 1;
  return new Promise((resolve) => {
    // An error means that the channel is closed; 'disconnect' ends the process.
    process.send!(message, undefined, undefined, () => {
      unsent -= 1;
      resolve();
    });
  });
}

async function readSpec(file: string): Promise<Spec> {
  try {
    return specSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('SPEC_INVALID', `Spec ${file} is not valid: ${why}`, { cause });
  }
}

async function run(specFile: string): Promise<TrainerMessage> {
  const spec = await readSpec(specFile);
  const engine = await startEngine(spec.engine);
  await send({
    type: 'engine',
    engine: engine.name,
    reason: engine.reason,
    environment: environmentOf(engine.name),
  });
  const job: Job = { send, signal: stop.signal };
  try {
    return await (spec.kind === 'TRAINING' ? train(spec, job) : evaluate(spec, job));
  } finally {
    await engine.release();
  }
}

function failure(error: unknown): TrainerMessage {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof TrainingError)) return { type: 'failed', code: 'INTERNAL', message };
  return { type: 'failed', code: error.code, message, artifacts: error.artifacts };
}

/** The last message: waits until it has left, then exits. A failure exits 1, everything else 0. */
async function end(message: TrainerMessage): Promise<never> {
  await send(message);
  process.exit(message.type === 'failed' ? 1 : 0);
}

function main(): void {
  process.on('disconnect', () => process.exit(1));
  // Ctrl-C in a terminal reaches the whole process group; the worker decides what becomes of its trainer.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.on('uncaughtException', (error) => void end(failure(error)));
  process.on('message', (message) => {
    const { data: command } = trainerCommandSchema.safeParse(message);
    if (command?.type === 'stop') stop.abort();
    if (command?.type !== 'start' || started) return;
    started = true;
    run(command.specFile).then(end, (error: unknown) => end(failure(error)));
  });
}

if (process.send) main();
else {
  process.stderr.write('trainerProcess is forked by a worker and needs an IPC channel\n');
  process.exitCode = 2;
}
