/**
 * Stands in for the trainer: keeps to the protocol, learns nothing, and misbehaves on demand. Its "loss" is a chain,
 * each epoch's computed from the one before, so a resumed run equals an uninterrupted one only if its state came back.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Metric, Sample, Spec, TrainerMessage } from '../../src/training/protocol.js';

export interface Script {
  /** Before this epoch begins, and before an evaluation, waits until the file exists. */
  gate?: { epoch: number; file: string };
  /** Kills itself in the middle of this epoch, unless it was resumed. */
  dieInEpoch?: number;
  /** Kills itself at once, always. */
  dieAtOnce?: boolean;
  /** Kills the worker that has forked it, when its last words have been written down. */
  killWorker?: boolean;
  /** Writes this to stderr first. */
  lastWords?: string;
  /** Says nothing after the engine. */
  hang?: boolean;
  /** Takes no notice of stop. */
  deaf?: boolean;
  /** Sends something that is no message. */
  nonsense?: boolean;
  /** Says a line each epoch, and the same one twice. */
  chatty?: boolean;
  fail?: { code: string; message: string };
  /** Value of the loss in this epoch. */
  loss?: { epoch: number; value: number };
  /** The loss tells how far the learning rate is from this one. */
  bestRate?: number;
  /** With this learning rate the loss is NaN. */
  nanRate?: number;
  /** Predictions that are left out. */
  forget?: number;
  /** Milliseconds that an epoch takes. */
  pace?: number;
  /** Removes all checkpoints but the last so many, as the real trainer does. */
  keep?: number;
}

let stopped = false;
const send = (message: TrainerMessage) =>
  new Promise<void>((resolve) => process.send?.(message, undefined, undefined, () => resolve()));

export function play(script: Script): void {
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message: { type: string; specFile: string }) => {
    if (message.type === 'stop') stopped = !script.deaf;
    if (message.type === 'start') void run(script, message.specFile).then(() => process.exit(0));
  });
}

async function run(script: Script, specFile: string): Promise<void> {
  const spec = JSON.parse(await readFile(specFile, 'utf8')) as Spec;
  // Named when it is whole: the test waits for the name.
  const environment = join(spec.outputDir, 'environment.json');
  await writeFile(`${environment}.part`, JSON.stringify(process.env));
  await rename(`${environment}.part`, environment);
  if (script.lastWords) process.stderr.write(`${script.lastWords}\n`);
  if (script.dieAtOnce) process.kill(process.pid, 'SIGKILL');
  await send({ type: 'engine', engine: 'cpu', reason: 'scripted' });
  if (script.killWorker) {
    await sleep(1_000);
    process.kill(process.ppid, 'SIGKILL');
  }
  if (script.nonsense) process.send?.({ type: 'nonsense' });
  if (script.fail) return send({ type: 'failed', ...script.fail });
  while (script.hang) await sleep(1000);
  return spec.kind === 'TRAINING' ? train(script, spec) : evaluate(script, spec);
}

async function train(script: Script, spec: Extract<Spec, { kind: 'TRAINING' }>): Promise<void> {
  const { epochs, seed } = spec.parameters;
  const resumed =
    spec.resumeFrom &&
    (JSON.parse(await readFile(join(spec.resumeFrom, 'state.json'), 'utf8')) as {
      epoch: number;
      loss: number;
    });
  let { epoch, loss } = resumed || { epoch: 0, loss: seed };
  while (epoch < epochs) {
    if (script.gate?.epoch === epoch + 1) await opened(script);
    if (stopped || epoch >= (spec.pauseAfter ?? epochs))
      return send({ type: 'stopped', checkpoint: await checkpoint(spec.outputDir, epoch, loss, 'stop') });
    const progress = {
      phase: 'TRAINING' as const,
      epochs,
      done: epoch,
      total: epochs,
      imagesPerSecond: 1,
      secondsLeft: null,
    };
    await send({ type: 'progress', ...progress, epoch: epoch + 1 });
    for (const times of script.chatty ? ['once', 'twice'] : [])
      await send({
        type: 'log',
        level: 'info',
        message: times === 'once' ? `epoch ${epoch + 1}` : 'still here',
      });
    if (script.dieInEpoch === epoch + 1 && !resumed) process.kill(process.pid, 'SIGKILL');
    if (script.pace) await sleep(script.pace);
    epoch += 1;
    loss = script.loss?.epoch === epoch ? script.loss.value : Math.sin(loss) + 1 / epoch;
    if (script.bestRate)
      loss = Math.abs(Math.log10(spec.parameters.learningRate / script.bestRate)) + 1 / epoch;
    if (script.nanRate === spec.parameters.learningRate) loss = NaN;
    await send({
      type: 'epoch',
      epoch,
      metrics: metrics(script, spec, loss),
      tensors: 1,
      checkpoint: await checkpoint(spec.outputDir, epoch, loss),
    });
    if (script.keep)
      await rm(join(spec.outputDir, `checkpoints/${epoch - script.keep}`), { recursive: true, force: true });
  }
  for (const folder of ['model', 'initial']) {
    await mkdir(join(spec.outputDir, folder), { recursive: true });
    for (const name of ['model.json', 'weights.bin', 'classes.json', 'preprocessing.json']) {
      await writeFile(join(spec.outputDir, folder, name), `${folder} ${name} ${loss}`);
    }
  }
  const file = (path: string) => ({
    path,
    kind: path.startsWith('model') ? 'MODEL' : 'INITIAL_MODEL',
    mediaType: 'application/json',
  });
  const artifacts = [
    'model/model.json',
    'model/weights.bin',
    'initial/model.json',
    'initial/weights.bin',
  ].map(file);
  await send({ type: 'trained', bestEpoch: epoch, epochsRun: epoch, stoppedEarly: false, artifacts });
}

async function opened({ gate }: Script): Promise<void> {
  while (gate && !existsSync(gate.file) && !stopped) await sleep(5);
}

async function checkpoint(outputDir: string, epoch: number, loss: number, suffix = ''): Promise<string> {
  const path = `checkpoints/${epoch}${suffix}`;
  await mkdir(join(outputDir, path), { recursive: true });
  await writeFile(join(outputDir, path, 'state.json'), JSON.stringify({ epoch, loss }));
  return path;
}

function metrics(script: Script, spec: Spec, loss: number): Metric[] {
  return (['TRAIN', 'VALIDATION'] as const).flatMap((split) => [
    { name: 'loss', split, condition: null, value: loss, n: 4, lower: null, upper: null, method: null },
    ...[null, ...spec.conditions].map((condition) => ({
      name: 'accuracy',
      split,
      condition,
      value: script.bestRate ? 1 / (1 + loss) : 0.5,
      n: 4,
      lower: 0.15,
      upper: 0.85,
      method: 'WILSON' as const,
    })),
  ]);
}

/** Always says class 0. */
async function evaluate(script: Script, spec: Extract<Spec, { kind: 'EVALUATION' }>): Promise<void> {
  const samples = (await readFile(spec.samplesFile, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Sample);
  await opened(script);
  if (stopped) return send({ type: 'stopped', checkpoint: null });
  const said = samples.slice(script.forget ?? 0);
  const scores = spec.classes.map((_, index) => (index === 0 ? 1 : 0));
  const lines = said.map(({ id, label }) => `${JSON.stringify({ id, label, predicted: 0, scores })}\n`);
  await writeFile(join(spec.outputDir, 'predictions.jsonl'), lines.join(''));
  await send({ type: 'evaluated', predictions: 'predictions.jsonl', n: samples.length });
}
